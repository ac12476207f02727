//! Barriers for people who see, hear or move differently: axe-core looks for what it can find of WCAG 2.2 AA.

use std::path::Path;

use serde_json::{Value, json};

use super::Browser;

/// What counts: the standard's rules, and those of the library's makers that are beyond doubt.
const RULES: [&str; 6] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

impl Browser {
    /// Fails if the page, as it is now, has barriers; `what` says which page it is.
    pub async fn assert_accessible(&self, what: &str) {
        let found = self.barriers().await;
        assert!(found.is_empty(), "{what} has barriers:\n{}", found.join("\n"));
    }

    /// What stands in the way, in words.
    pub async fn barriers(&self) -> Vec<String> {
        self.script(&axe(), Vec::new()).await.expect("axe-core is there");
        let script = "const found = await axe.run(document, { runOnly: arguments[0], resultTypes: ['violations'] });\
                      return found.violations.map(({ id, help, nodes }) => ({ id, help,\
                        nodes: nodes.map((node) => `${node.html} ${node.failureSummary}`) }));";
        let found = self.async_script(script, vec![json!(RULES)]).await;
        let told = |barrier: &Value| {
            let nodes = barrier["nodes"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let nodes: String = nodes.map(|node| format!("\n    {}", node.replace('\n', "\n    "))).collect();
            format!("  {}: {}{nodes}", barrier["id"], barrier["help"])
        };
        found.as_array().expect("a list").iter().map(told).collect()
    }
}

fn axe() -> String {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/browser/packages/node_modules/axe-core/axe.min.js");
    let script = std::fs::read_to_string(path);
    // Chromedriver runs it as the body of a function, where its own name would stay inside.
    script.expect("run the tests with ./test, which installs axe-core") + "\nwindow.axe = axe;"
}
