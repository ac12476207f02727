//! A model in the browser, step by step: `cargo run -p andon-model --example explore -- chain` (or `silence`).

use andon_model::{
    chain::{self, Ask, Chain},
    silence::{self, Silence},
};
use stateright::Model;

const ADDRESS: &str = "127.0.0.1:3000";

fn main() {
    println!("http://{ADDRESS}");
    match std::env::args().nth(1).as_deref() {
        Some("chain") => {
            let scene = chain::Scene { commands: &[Ask::Report], ..chain::Scene::PLAIN };
            Chain { rules: chain::Rules::ALL, scene }.checker().serve(ADDRESS);
        }
        Some("silence") => {
            let scene = silence::Scene { suspensions: 1, moves: 1, ..silence::Scene::CALM };
            Silence { rules: silence::Rules::ALL, scene }.checker().serve(ADDRESS);
        }
        _ => eprintln!("explore chain | explore silence"),
    }
}
