//! Memory that is freed on one thread is used again on another, and goes back to the system.

use std::path::Path;

use leadsman_tests::Leadsman;
use tempfile::TempDir;

#[tokio::test]
async fn all_threads_share_one_arena_and_free_pages_go_back_soon() {
    let folder = TempDir::new().expect("a folder");
    // The allocator prints its settings to standard error when the process ends.
    let printing = [("_RJEM_MALLOC_CONF", Path::new("stats_print:true"))];
    let printed = Leadsman::command_with(&["schema"], folder.path(), &printing).await;
    printed.assert_contains(&[
        "opt.narenas: 1\n",
        "opt.dirty_decay_ms: 100 ",
        "opt.thp: \"never\"|opt.thp: \"not supported\"",
    ]);
}
