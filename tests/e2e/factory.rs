//! A factory as one file: imported whole or not at all, and given back.

use std::process::Output;

use crate::harness::{Andon, Place};

fn import(place: &Place, text: &str) -> Output {
    let file = place.directory().join("factory.toml");
    std::fs::write(&file, text).expect("written");
    place.command(&["admin", "import", "factory.toml"]).output().expect("andon starts")
}

fn export(place: &Place) -> String {
    let output = place.command(&["admin", "export"]).output().expect("andon starts");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[tokio::test]
async fn the_demo_factory_is_loaded_once() {
    // given a first start with the demo factory
    let mut andon = Andon::demo().await;
    let first = export(&andon.place);
    for wanted in ["1001", "1012", "[[station]]", "[[reason]]", "[[job]]"] {
        assert!(first.contains(wanted), "{wanted} is not in the demo factory");
    }

    // when somebody changes it, and it is started again
    let changed = first.replacen("Prepress desk", "Desk by the window", 1);
    assert!(import(&andon.place, &changed).status.success());
    andon.process.terminate().await;
    andon.again().await;

    // then the change is kept
    assert_eq!(export(&andon.place), changed);
}

#[tokio::test]
async fn an_export_is_imported_without_changing_anything() {
    let andon = Andon::demo().await;
    let exported = export(&andon.place);

    let output = import(&andon.place, &exported);

    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("0 records changed"), "{output:?}");
}

#[tokio::test]
async fn bad_rows_are_all_told_with_their_line_and_nothing_is_imported() {
    // given a file with two bad rows among good ones
    let andon = Andon::up().await;
    let before = export(&andon.place);
    let text = "\
[[station]]
code = \"A-1\"
name = \"Good\"
type = \"offset\"

[[station]]
code = \"A-2\"
name = \"Bad\"
type = \"rocket\"

[[worker]]
code = \"77\"
name = \"Bad\"
language = \"he\"
stations = [\"nowhere\"]
";

    // when
    let output = import(&andon.place, text);

    // then
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(told.contains("factory.toml:9: ") || told.contains("factory.toml:6: "), "{told}");
    assert_eq!(export(&andon.place), before);
}
