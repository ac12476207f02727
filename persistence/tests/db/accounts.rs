//! Accounts: who gets in and who does not, and that there is always an admin.

use std::time::Duration;

use bus_schemas::StationId;
use persistence::{AccountChange, AccountError, NewAccount, Role, Store, accounts::PASSWORD_MAX_BYTES};
use tokio::time::Instant;
use uuid::Uuid;

use crate::harness::{BUSY, Database, Postgres};

async fn store() -> Store {
    Store::connect_lazy(&Database::new().await.url).expect("an address")
}

fn new(name: &str, role: Role) -> NewAccount {
    NewAccount { name: name.to_owned(), password: format!("password of {name}"), role, stations: None }
}

fn change(role: Option<Role>, is_active: Option<bool>) -> AccountChange {
    AccountChange { role, is_active, stations: None }
}

#[tokio::test]
async fn the_first_admin_is_made_once_and_keeps_the_password() {
    let store = store().await;
    assert!(store.ensure_admin("admin", "first password").await.unwrap());
    assert!(!store.ensure_admin("admin", "other password").await.unwrap());
    let admin = store.verify_password("admin", "first password").await.unwrap().expect("it fits");
    assert_eq!((admin.role, admin.is_active, admin.stations), (Role::Admin, true, None));
    assert_eq!(store.verify_password("admin", "other password").await.unwrap(), None);
}

#[tokio::test]
async fn only_the_right_password_of_an_active_account_gets_in() {
    let store = store().await;
    store.ensure_admin("admin", "first password").await.unwrap();
    let stations = Some(vec![StationId(Uuid::from_u128(5))]);
    let made = store
        .create_account(&NewAccount { stations: stations.clone(), ..new(" Noa ", Role::Supervisor) })
        .await
        .unwrap();
    assert_eq!((made.name.as_str(), made.role, &made.stations), ("Noa", Role::Supervisor, &stations));
    // The name is the same in any case.
    assert_eq!(store.verify_password("noa", "password of  Noa ").await.unwrap(), Some(made));
    for (name, password) in [
        ("Noa", "password of  noa "),
        ("Noa", ""),
        ("Noa", "password of  Noa \0"),
        ("nobody", "password of  Noa "),
        ("", ""),
        ("line\nfeed", "x"),
    ] {
        assert_eq!(store.verify_password(name, password).await.unwrap(), None, "{name:?} {password:?}");
    }
    assert_eq!(store.verify_password("Noa", &"x".repeat(PASSWORD_MAX_BYTES + 1)).await.unwrap(), None);
    // A disabled account does not get in, and does when it is active again.
    store.change_account("Noa", &change(None, Some(false))).await.unwrap();
    assert_eq!(store.verify_password("Noa", "password of  Noa ").await.unwrap(), None);
    store.change_account("Noa", &change(None, Some(true))).await.unwrap();
    assert!(store.verify_password("Noa", "password of  Noa ").await.unwrap().is_some());
}

#[tokio::test]
async fn what_is_not_allowed_is_refused_by_its_reason() {
    let store = store().await;
    store.create_account(&new("Noa", Role::Admin)).await.unwrap();
    assert!(matches!(store.create_account(&new("NOA", Role::Viewer)).await, Err(AccountError::Exists)));
    assert!(matches!(store.create_account(&new(" ", Role::Viewer)).await, Err(AccountError::BadName(_))));
    assert!(matches!(store.create_account(&new("a\0b", Role::Viewer)).await, Err(AccountError::BadName(_))));
    for password in ["short", "", &"x".repeat(PASSWORD_MAX_BYTES + 1)] {
        assert!(matches!(store.set_password("Noa", password).await, Err(AccountError::BadPassword)), "{password}");
    }
    assert!(matches!(store.set_password("nobody", "long enough").await, Err(AccountError::NotFound)));
    let nobody = store.change_account("nobody", &change(None, Some(false))).await;
    assert!(matches!(nobody, Err(AccountError::NotFound)));
    assert_eq!(store.accounts().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_new_password_replaces_the_old_one() {
    let store = store().await;
    let made = store.create_account(&new("Noa", Role::Viewer)).await.unwrap();
    store.set_password("noa", "another password").await.unwrap();
    assert_eq!(store.verify_password("Noa", "password of Noa").await.unwrap(), None);
    let now = store.verify_password("Noa", "another password").await.unwrap().expect("it fits");
    assert!(now.password_changed_at_us > made.password_changed_at_us);
}

#[tokio::test]
async fn there_is_always_an_active_admin() {
    let store = store().await;
    store.create_account(&new("one", Role::Admin)).await.unwrap();
    for refused in [change(Some(Role::Viewer), None), change(None, Some(false))] {
        assert!(matches!(store.change_account("one", &refused).await, Err(AccountError::LastAdmin)));
    }
    // Two admins who disable each other at once: one succeeds.
    store.create_account(&new("two", Role::Admin)).await.unwrap();
    let (disabled, also) = (change(None, Some(false)), change(None, Some(false)));
    let both = tokio::join!(store.change_account("one", &disabled), store.change_account("two", &also));
    assert!(both.0.is_ok() != both.1.is_ok(), "{both:?}");
    let left: Vec<_> = store.accounts().await.unwrap().into_iter().filter(|account| account.is_active).collect();
    assert_eq!(left.len(), 1);
}

#[tokio::test]
async fn an_unknown_name_takes_as_long_as_a_wrong_password() {
    let store = store().await;
    store.create_account(&new("Noa", Role::Viewer)).await.unwrap();
    // In turn, because a busy machine changes its pace.
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..9 {
        for (times, name) in times.iter_mut().zip(["Noa", "nobody"]) {
            let started = Instant::now();
            assert_eq!(store.verify_password(name, "a wrong password").await.unwrap(), None);
            times.push(started.elapsed());
        }
    }
    let [known, unknown] = times.map(|mut times| {
        times.sort();
        times[4]
    });
    // Medians on a busy machine: without the hash of nobody it would be some 20 times.
    assert!(unknown * 3 > known && known * 3 > unknown, "known {known:?}, unknown {unknown:?}");
}

/// Fault 31: more passwords than can be checked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_logins_is_told_to_come_back_and_does_not_block() {
    // given more logins than can be hashed in the time somebody waits
    let store = store().await;
    store.create_account(&new("Noa", Role::Viewer)).await.unwrap();
    let flood: Vec<_> = (0..400)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.verify_password("Noa", "a wrong password").await })
        })
        .collect();
    // when, meanwhile, other work goes on
    let started = Instant::now();
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert!(started.elapsed() < Duration::from_secs(2) + BUSY, "the async threads were blocked");
    // then each login is answered, in bounded time
    let (mut refused, mut busy) = (0, 0);
    for login in flood {
        match login.await.expect("no panic") {
            Ok(None) => refused += 1,
            Err(AccountError::Busy | AccountError::Store(_)) => busy += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(started.elapsed() < Duration::from_secs(20), "it took {:?}", started.elapsed());
    assert!(refused > 0, "{refused} refused, {busy} busy");
}

#[tokio::test]
async fn without_postgres_accounts_say_so() {
    let mut server = tokio::task::spawn_blocking(Postgres::new).await.expect("it starts");
    let database = server.database().await;
    let store = Store::connect_lazy(&database.url).unwrap();
    store.ensure_admin("admin", "first password").await.unwrap();
    server.stop();
    let away = store.verify_password("admin", "first password").await;
    assert!(matches!(&away, Err(AccountError::Store(error)) if error.is_unavailable()), "{away:?}");
}
