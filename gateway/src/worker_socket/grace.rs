//! The warning before a session is closed for silence. The deadline is the owner's: it is asked, not worked out.

use std::sync::Arc;

use bus_schemas::{CommandBody, SessionId, TimeUs};
use futures::future::BoxFuture;

use super::Opened;
use crate::{
    acting::{Stamp, for_worker, send_to_open},
    auth::logins::Access,
    feed::frame::Frame,
    live_view::LiveSession,
};

/// One warning for each silence.
#[derive(Default)]
pub(super) struct Grace {
    asking: Option<BoxFuture<'static, Option<Frame>>>,
    /// The session and the last sign of life that a warning was about.
    warned: Option<(SessionId, TimeUs)>,
}

impl Grace {
    /// Asks the owner, unless this silence was warned of.
    pub(super) fn ask(&mut self, opened: &Opened, live: &Arc<LiveSession>) {
        let silence = (live.session.id, live.last_seen());
        if self.asking.is_some() || self.warned == Some(silence) {
            return;
        }
        self.warned = Some(silence);
        let (app, caller, worker, id) = (opened.app.clone(), opened.caller.clone(), opened.worker, live.session.id);
        self.asking = Some(Box::pin(async move {
            // Looking is no sign of life.
            let acting = for_worker(&caller, worker, Access::Read).ok()?;
            let done = send_to_open(&app, &caller, &acting, &Stamp::bodiless(&caller), CommandBody::Look).await.ok()?;
            let still = done.session.is_some_and(|session| session.id == id && session.is_active());
            done.grace_expires_at_us.filter(|_| still).map(|expires_at| Frame::grace(id, expires_at))
        }));
    }

    /// The warning, when the owner has answered; none when there is nothing to warn of. Never, when nobody was asked.
    pub(super) async fn warning(&mut self) -> Option<Frame> {
        match &mut self.asking {
            Some(asking) => {
                let frame = asking.await;
                self.asking = None;
                frame
            }
            None => std::future::pending().await,
        }
    }
}
