//! The command: what it prints and writes, and its exit code.

use std::path::Path;

use leadsman_document::Document;
use leadsman_tests::Leadsman;
use tempfile::TempDir;

use super::{Converted, object};

const KEYS: &str = "serverAddress: 'http://127.0.0.1:9', threshold: '5', query: sum(x)";

#[tokio::test]
async fn the_exit_code_says_whether_everything_was_written() {
    let whole = object("whole", KEYS, "");
    let differs = object("differs", KEYS, "  advanced: {restoreToOriginalReplicaCount: true}\n");
    let refused = object("refused", "query: sum(x)", "");
    for (manifest, arguments, code, said) in [
        (whole.clone(), &[][..], 0, "1 object: 1 whole, 0 with differences, 0 not written"),
        (whole.clone(), &["--strict"][..], 0, "1 whole"),
        (format!("{whole}{differs}"), &[][..], 0, "2 objects: 1 whole, 1 with differences"),
        (
            format!("{whole}{differs}"),
            &["--strict"][..],
            1,
            "differs: restoreToOriginalReplicaCount",
        ),
        (
            format!("{whole}{refused}"),
            &[][..],
            1,
            "cannot be kept: trigger 0 (prometheus): its serverAddress",
        ),
        (format!("{whole}---\na: [\n"), &[][..], 1, "1 document that cannot be read"),
        (String::new(), &[][..], 1, "there is no ScaledObject in what was read"),
    ] {
        let converted = Converted::of(&manifest, arguments).await;
        assert_eq!(converted.report.code, Some(code), "{}", converted.report.output);
        converted.report.assert_contains(&[said]);
        assert_eq!(
            converted.text("report.txt").lines().next(),
            converted.report.output.lines().next()
        );
        // What is right is written, whatever is wrong beside it.
        let config = converted.text("config.yaml");
        assert_eq!(config.contains("shop.whole."), manifest.contains("name: whole"), "{config}");
        assert!(!config.contains("shop.refused."), "{config}");
    }
}

#[tokio::test]
async fn a_wrong_command_line_is_refused() {
    let folder = TempDir::new().expect("a folder");
    for line in [
        "convert",
        "convert a.yaml --secrets-dir relative",
        "convert a.yaml --form yaml",
        "convert a.yaml --config-map name",
        "convert a.yaml --auth-header shop/a",
    ] {
        let words: Vec<_> = line.split(' ').collect();
        let ended = Leadsman::command(&words, folder.path()).await;
        assert_eq!(ended.code, Some(2), "{line}: {}", ended.output);
    }
    let gone = Leadsman::command(&["convert", "gone.yaml"], folder.path()).await;
    assert_eq!(gone.code, Some(1), "{}", gone.output);
    gone.assert_contains(&["gone.yaml: cannot be read"]);
    let nowhere = ["convert", "--kubeconfig", "nowhere"];
    assert_eq!(Leadsman::command(&nowhere, folder.path()).await.code, Some(3));
}

/// The standard output is what can be applied; the report is beside it.
#[tokio::test]
async fn the_standard_output_is_documents_that_apply() {
    let folder = TempDir::new().expect("a folder");
    std::fs::write(folder.path().join("a.yaml"), object("a", KEYS, "")).expect("a file");
    std::fs::write(folder.path().join("b.yaml"), object("b", KEYS, "")).expect("a file");
    let arguments = ["convert", "a.yaml", "b.yaml", "--config-map", "monitoring/keda"];
    let ended = Leadsman::command(&arguments, folder.path()).await;
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    let (documents, report) =
        ended.output.split_once("OBJECT").expect("a report behind the documents");
    assert!(report.contains("2 objects: 2 whole"), "{report}");
    let parsed: Vec<_> = documents
        .split("---\n")
        .map(|text| {
            let (document, faults) = Document::parse("written", text);
            assert!(faults.is_empty(), "{faults:?}\n{text}");
            document.value
        })
        .collect();
    let kinds: Vec<_> =
        parsed.iter().map(|document| document["kind"].as_str().unwrap_or_default()).collect();
    let autoscaler = "HorizontalPodAutoscaler";
    assert_eq!(kinds, ["ConfigMap", autoscaler, autoscaler], "{documents}");
    assert_eq!(parsed[0]["metadata"]["namespace"], "monitoring");
    let config = parsed[0]["data"]["config.yaml"].as_str().expect("a configuration");
    let check = Leadsman::check(config).await;
    assert_eq!(check.code, Some(0), "{}", check.output);
    // As a file it is the same configuration, and nothing else.
    let file =
        Leadsman::command(&["convert", "a.yaml", "b.yaml", "--form", "file"], folder.path()).await;
    let (written, _) = file.output.split_once("OBJECT").expect("a report behind it");
    assert_eq!(written, config);
}

/// A second conversion leaves nothing of the first one.
#[tokio::test]
async fn a_folder_has_the_last_conversion_alone() {
    let folder = TempDir::new().expect("a folder");
    let authentication = "apiVersion: keda.sh/v1alpha1\nkind: TriggerAuthentication\nmetadata: {name: a, namespace: \
                          shop}\nspec: {secretTargetRef: [{parameter: bearerToken, name: a, key: b}]}\n";
    let bearer = object("a", &format!("{KEYS}, authModes: bearer"), "")
        .replace("authModes: bearer}}", "authModes: bearer}, authenticationRef: {name: a}}");
    let manifest = folder.path().join("objects.yaml");
    std::fs::write(&manifest, format!("{authentication}{bearer}")).expect("a file");
    let convert = ["convert", "objects.yaml", "--output", "out"];
    let first = Leadsman::command(&convert, folder.path()).await;
    assert_eq!(first.code, Some(0), "{}", first.output);
    let mounts = folder.path().join("out/mounts.yaml");
    assert!(mounts.is_file(), "{}", first.output);
    std::fs::write(&manifest, object("a", KEYS, "")).expect("a file");
    let second = Leadsman::command(&convert, folder.path()).await;
    assert_eq!(second.code, Some(0), "{}", second.output);
    assert!(!mounts.exists(), "{}", second.output);
}

/// The cases of the corpus that have a plugin of their own: what those refuse, `check` says.
#[tokio::test]
async fn what_is_written_for_formulas_and_schedules_passes_check() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/convert/tests/corpus");
    let text = std::fs::read_to_string(corpus.join("several.yaml")).expect("the corpus");
    let mut checked = 0;
    for case in text.split("### ").skip(1) {
        let is_manifest = |line: &&str| !line.starts_with('#');
        let manifest: Vec<_> = case.lines().skip(1).filter(is_manifest).collect();
        let converted = Converted::of(&manifest.join("\n"), &[]).await;
        let check = Leadsman::check_file(&converted.file("config.yaml")).await;
        assert_eq!(check.code, Some(0), "{}\n{}", converted.text("config.yaml"), check.output);
        checked += 1;
    }
    assert!(checked >= 7, "only {checked}");
}
