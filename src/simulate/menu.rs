//! What a worker can choose from at a station: statuses by their machine class, reasons.

use serde_json::Value;

/// The choices.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Menu {
    /// Statuses in which a machine is set up.
    pub setup: Vec<Status>,
    /// Statuses in which it produces.
    pub production: Vec<Status>,
    /// Statuses in which it stands.
    pub stoppage: Vec<Status>,
    /// Ids of reasons for a standstill.
    pub stop_reasons: Vec<String>,
    /// Ids of reasons for scrap.
    pub scrap_reasons: Vec<String>,
}

/// A status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Its code.
    pub code: String,
    /// It refuses to go without a reason.
    pub requires_reason: bool,
}

impl Menu {
    /// Reads what the routes of statuses and of both kinds of reasons answered.
    pub fn read(statuses: &Value, stop_reasons: &Value, scrap_reasons: &Value) -> Self {
        let stop_reasons = ids(stop_reasons);
        let of_class = |class: &str| {
            let list = statuses["statuses"].as_array().into_iter().flatten();
            list.filter(|status| status["machine_class"] == class && status["is_active"] != false)
                .filter_map(|status| {
                    let requires_reason = status["requires_reason"] == true;
                    Some(Status { code: status["code"].as_str()?.to_owned(), requires_reason })
                })
                // One that needs a reason cannot be chosen where there is none.
                .filter(|status| !status.requires_reason || !stop_reasons.is_empty())
                .collect()
        };
        Self {
            setup: of_class("setup"),
            production: of_class("production"),
            stoppage: of_class("stoppage"),
            scrap_reasons: ids(scrap_reasons),
            stop_reasons,
        }
    }
}

fn ids(reasons: &Value) -> Vec<String> {
    let list = reasons["reasons"].as_array().into_iter().flatten();
    list.filter_map(|reason| reason["id"].as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn statuses_are_sorted_by_class_and_those_that_cannot_be_chosen_left_out() {
        let status = |code: &str, class: &str, requires: bool, active: bool| json!({"code": code, "machine_class": class, "requires_reason": requires, "is_active": active});
        let statuses = json!({"statuses": [
            status("setup", "setup", false, true),
            status("production", "production", false, true),
            status("old", "production", false, false),
            status("fault", "stoppage", true, true),
        ]});
        let none = json!({"reasons": []});
        let menu = Menu::read(&statuses, &none, &json!({"reasons": [{"id": "s"}]}));
        let codes = |list: &[Status]| list.iter().map(|status| status.code.clone()).collect::<Vec<_>>();
        assert_eq!(codes(&menu.production), ["production"]);
        assert!(menu.stoppage.is_empty());
        assert_eq!(menu.scrap_reasons, ["s"]);
        let menu = Menu::read(&statuses, &json!({"reasons": [{"id": "jam"}]}), &none);
        assert_eq!(codes(&menu.stoppage), ["fault"]);
    }
}
