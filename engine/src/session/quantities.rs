//! Quantities: pieces made and pieces lost, each change kept with the interval it belongs to.

use bus_schemas::{
    EventKind, Refusal, RefusalCode, Session, SessionId, command::QuantityReport, limits::QUANTITY_MAX,
    records::ReasonType,
};

use super::{
    Decision,
    case::{Case, nothing, running},
    status::check_reason,
};

/// New totals, or nothing when none is given or none changes.
pub(super) fn decide(case: &Case, id: SessionId, report: &QuantityReport) -> Result<Decision, Refusal> {
    let state = case.active(id)?;
    let session = &state.session;
    let running = running(session)?;
    let (good, scrap, reason_id) = match *report {
        QuantityReport::Totals { good, scrap, reason_id } => {
            (good.map(Figure::Total), scrap.map(Figure::Total), reason_id)
        }
        QuantityReport::Deltas { good, scrap, reason_id } => {
            (good.map(Figure::Delta), scrap.map(Figure::Delta), reason_id)
        }
    };
    if good.is_none() && scrap.is_none() {
        return Ok(nothing(session));
    }
    let good = change(session.total_good, good)?;
    let scrap = change(session.total_scrap, scrap)?;
    reason_id.map_or(Ok(()), |id| check_reason(case.context.directory, id, ReasonType::Scrap))?;
    if good.delta == 0 && scrap.delta == 0 {
        return Ok(nothing(session));
    }
    let kind = EventKind::QuantitiesReported {
        good_delta: good.delta,
        scrap_delta: scrap.delta,
        reason_id,
        status_event_id: running.id,
        reported_at_us: case.command.reported_at_us,
    };
    let act = case.act();
    let mut after = act.step(state);
    set_totals(&mut after.session, good, scrap);
    Ok(Decision::Publish(vec![act.accept(0, kind, after, Vec::new())]))
}

fn set_totals(session: &mut Session, good: Changed, scrap: Changed) {
    session.total_good = good.total;
    session.total_scrap = scrap.total;
}

/// A reported figure.
#[derive(Clone, Copy)]
enum Figure {
    Total(i64),
    Delta(i64),
}

/// A total after a report, and by how much it changed.
#[derive(Clone, Copy)]
struct Changed {
    total: i64,
    delta: i64,
}

/// A total may go down, for workers correct mistakes, but never leaves its bounds.
fn change(total: i64, figure: Option<Figure>) -> Result<Changed, Refusal> {
    let after = match figure {
        None => return Ok(Changed { total, delta: 0 }),
        Some(Figure::Total(after)) => Some(after),
        Some(Figure::Delta(delta)) => total.checked_add(delta),
    };
    after
        .filter(|after| (0..=QUANTITY_MAX).contains(after))
        .and_then(|after| Some(Changed { total: after, delta: after.checked_sub(total)? }))
        .ok_or_else(|| {
            let message = format!("a total must stay between 0 and {QUANTITY_MAX}");
            Refusal::new(RefusalCode::InvalidQuantity, message)
        })
}
