//! Builds anew when a migration changes: `sqlx::migrate!` embeds them without telling cargo.

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
}
