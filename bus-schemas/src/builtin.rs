//! The six statuses every factory has. They can be relabelled, never removed.

use crate::{
    Extra,
    records::Status,
    status::{MachineClass, StatusCode},
};

/// Code, labels in Hebrew, Russian and English, colour, class.
type Row = (&'static str, [&'static str; 3], &'static str, MachineClass);

const ROWS: [Row; 6] = [
    ("setup", ["כיוונים", "Наладка", "Setup"], "#f59e0b", MachineClass::Setup),
    ("production", ["ייצור", "Производство", "Production"], "#16a34a", MachineClass::Production),
    ("stopped", ["עצירה", "Остановка", "Stopped"], "#dc2626", MachineClass::Stoppage),
    ("fault", ["תקלה", "Неисправность", "Fault"], "#991b1b", MachineClass::Stoppage),
    ("waiting_client", ["המתנה ללקוח", "Ожидание клиента", "Waiting for client"], "#7c3aed", MachineClass::Stoppage),
    ("plate_change", ["החלפת פלטות", "Смена форм", "Plate change"], "#0891b2", MachineClass::Setup),
];

/// The built-in statuses as they are before anybody relabels them.
#[must_use]
pub fn statuses() -> Vec<Status> {
    ROWS.iter().filter_map(status).collect()
}

fn status(&(code, [label_he, label_ru, label_en], color, machine_class): &Row) -> Option<Status> {
    Some(Status {
        code: code.parse::<StatusCode>().ok()?,
        label_he: label_he.into(),
        label_ru: label_ru.into(),
        label_en: label_en.into(),
        color: color.into(),
        machine_class,
        station_id: None,
        requires_reason: false,
        is_active: true,
        built_in: true,
        extra: Extra::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_six_are_there() {
        let codes: Vec<_> = statuses().into_iter().map(|status| status.code.to_string()).collect();
        assert_eq!(codes, ["setup", "production", "stopped", "fault", "waiting_client", "plate_change"]);
    }
}
