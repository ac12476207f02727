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

#[cfg(test)]
mod tests {
    use bus_schemas::{CommandBody, ReasonId};

    use super::*;
    use crate::session::fixture::*;

    fn deltas(session_id: SessionId, good: Option<i64>, scrap: Option<i64>, reason: Option<ReasonId>) -> CommandBody {
        let report = QuantityReport::Deltas { good, scrap, reason_id: reason };
        CommandBody::Quantities { session_id, report }
    }

    fn counts(floor: &Floor) -> (i64, i64) {
        (floor.session().total_good, floor.session().total_scrap)
    }

    #[test]
    fn a_change_is_kept_with_the_interval_it_belongs_to() {
        let (mut floor, id) = Floor::working();
        let interval = floor.stored(status(id, "production")).event_id;
        floor.stored(totals(id, Some(100), None));
        let event = floor.stored(deltas(id, Some(-30), Some(5), Some(SMEARED)));
        let expected = EventKind::QuantitiesReported {
            good_delta: -30,
            scrap_delta: 5,
            reason_id: Some(SMEARED),
            status_event_id: interval,
            reported_at_us: None,
        };
        assert_eq!((event.kind, counts(&floor)), (expected, (70, 5)));
    }

    #[test]
    fn totals_may_go_down_and_one_left_out_stays() {
        let (mut floor, id) = Floor::working();
        floor.stored(totals(id, Some(100), Some(7)));
        floor.stored(totals(id, Some(90), None));
        assert_eq!(counts(&floor), (90, 7));
        floor.stored(totals(id, None, Some(0)));
        assert_eq!(counts(&floor), (90, 0));
    }

    #[test]
    fn what_changes_nothing_makes_no_event() {
        let (mut floor, id) = Floor::working();
        floor.stored(totals(id, Some(3), Some(4)));
        for body in [
            totals(id, None, None),
            totals(id, Some(3), Some(4)),
            totals(id, Some(3), None),
            deltas(id, None, None, None),
            deltas(id, Some(0), None, Some(SMEARED)),
            // Nothing is reported, so nothing is looked at.
            deltas(id, None, None, Some(OLD_SCRAP)),
        ] {
            assert_eq!(floor.nothing(body).session.as_ref(), Some(floor.session()));
        }
    }

    #[test]
    fn a_total_stays_within_its_bounds() {
        let (mut floor, id) = Floor::working();
        floor.stored(totals(id, Some(QUANTITY_MAX), Some(2)));
        for body in [
            totals(id, Some(-1), None),
            totals(id, None, Some(QUANTITY_MAX + 1)),
            totals(id, Some(i64::MAX), None),
            totals(id, Some(i64::MIN), None),
            deltas(id, Some(1), None, None),
            deltas(id, None, Some(-3), None),
            deltas(id, Some(i64::MAX), None, None),
            deltas(id, None, Some(i64::MIN), None),
            // One good figure does not carry a bad one.
            totals(id, Some(5), Some(-1)),
        ] {
            assert_eq!(floor.refused(body.clone()), RefusalCode::InvalidQuantity, "{body:?}");
        }
        floor.stored(deltas(id, Some(-QUANTITY_MAX), Some(-2), None));
        assert_eq!(counts(&floor), (0, 0));
    }

    #[test]
    fn a_reason_must_exist_be_active_and_be_of_scrap() {
        let (mut floor, id) = Floor::working();
        for reason in [ReasonId(uuid::Uuid::from_u128(404)), OLD_SCRAP, JAM] {
            assert_eq!(floor.refused(deltas(id, None, Some(1), Some(reason))), RefusalCode::UnknownReason);
        }
    }

    #[test]
    fn refusals_by_the_state_of_the_session() {
        let (mut floor, id) = Floor::pending();
        assert_eq!(floor.refused(totals(id, Some(1), None)), RefusalCode::StartChecklistRequired);
        let stranger = SessionId(uuid::Uuid::from_u128(404));
        assert_eq!(floor.refused(totals(stranger, Some(1), None)), RefusalCode::NotFound);
        let (mut floor, id) = Floor::completed();
        assert_eq!(floor.refused(totals(id, Some(1), None)), RefusalCode::SessionClosed);
        assert_eq!(floor.refused(totals(id, None, None)), RefusalCode::SessionClosed);
    }
}
