//! Several gateways on one log: a viewer goes from one to the other and misses nothing.

use super::*;

#[tokio::test]
async fn a_cursor_of_one_gateway_is_gone_on_with_at_another() {
    // given a viewer on every transport at one gateway, and a second gateway that has seen nothing live
    let mut floor = Floor::new().await;
    let truth = floor.truth().await;
    let mut viewers = ALL.map(|transport| floor.viewer(transport, ""));
    for viewer in &mut viewers {
        viewer.until("it has begun", |table| table.brief() == truth && table.cursor.is_some()).await;
        viewer.cut();
    }
    // when a session ends and one begins while they are on their way
    let replaced = floor.session(0);
    floor.open(0).await;
    floor.status(1, "fault").await;
    let other = floor.andon.gateway_beside().await;
    // what was closed before it started it reads in the background; until then it would begin anew
    other.process.logged("the feed knows what was closed").await;
    for viewer in &mut viewers {
        let snapshots = viewer.table.count("snapshot");
        viewer.address = other.place.http_url().replace("http://", "");
        // then they have it at the other one, by a difference
        let truth = floor.truth().await;
        viewer.until("it holds what there is", |table| table.brief() == truth).await;
        assert_eq!((viewer.table.count("snapshot"), viewer.table.count("reset")), (snapshots, 0));
        assert!(viewer.table.gone.contains(&(replaced.clone(), "closed".to_owned())));
        // and the other way round
        viewer.cut();
        viewer.address = floor.address();
        floor.status(1, "setup").await;
        let second = floor.session(1);
        viewer.until("it goes on at the first", |table| table.status(&second) == Some("setup")).await;
        assert_eq!(viewer.table.count("snapshot"), snapshots);
        floor.status(1, "fault").await;
    }
}
