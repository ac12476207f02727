//! The first account, and accounts made at the command line.

use std::io::Write as _;
use std::process::Stdio;

use crate::harness::{Andon, Place, until};

#[tokio::test]
async fn the_first_account_is_made_once_and_its_generated_password_told_once() {
    // given an `up` to which nobody gave a password
    let mut andon = Andon::start(Place::new().unset("admin_password"), &["up"]).await;
    andon.process.logged("the first account is `admin`").await;
    until("the account is there", async || {
        andon.place.sql("select name, role from accounts") == Some(vec!["admin|admin".to_owned()])
    })
    .await;

    // when it is started again
    andon.process.terminate().await;
    andon.again().await;
    andon.process.logged("Postgres is started").await;

    // then the password stays, and was told once
    until("it serves again", async || andon.place.sql("select 1").is_some()).await;
    let told = andon.process.log().matches("the first account is").count();
    assert_eq!(told, 1);
}

#[tokio::test]
async fn an_account_is_made_beside_a_running_system() {
    // given
    let andon = Andon::up().await;
    until("the tables are there", async || andon.place.sql("select name from accounts").is_some()).await;

    // when a supervisor is made, with a password from standard input
    let mut command =
        andon.place.command(&["admin", "account", "create", "shift-lead", "--role", "supervisor", "--password-stdin"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("andon starts");
    child.stdin.take().expect("piped").write_all(b"battery staple\n").expect("written");
    let output = child.wait_with_output().expect("it ends");

    // then it is there, and the password was not printed
    assert!(output.status.success(), "{output:?}");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("battery"), "{output:?}");
    let role = andon.place.sql("select role from accounts where name = 'shift-lead'");
    assert_eq!(role, Some(vec!["supervisor".to_owned()]));

    // and making it again is refused
    let again = andon.place.command(&["admin", "account", "create", "Shift-Lead"]).output().expect("andon starts");
    assert!(!again.status.success());
    assert!(String::from_utf8_lossy(&again.stderr).contains("already"), "{again:?}");
}

#[test]
fn without_a_running_system_it_says_what_to_do() {
    let place = Place::new();
    let output = place.command(&["admin", "account", "set-password", "admin"]).output().expect("andon starts");
    assert!(!output.status.success());
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("no `andon up` runs in"), "{told}");
}
