//! What the index selects, and what its versions say.

use super::*;

fn labels(text: &str) -> Labels {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn index(objects: &[(&str, &str, &str)]) -> Index {
    let mut index = Index::default();
    for (namespace, name, text) in objects {
        assert!(index.insert(namespace, name, labels(text)));
    }
    index
}

fn selected(index: &Index, selector: &str) -> String {
    index.select("shop", &selector.parse().unwrap()).join(" ")
}

#[test]
fn every_operator_selects_by_the_index_or_by_a_scan() {
    let index = index(&[
        ("shop", "c", "app=web,tier=front,n=3"),
        ("shop", "a", "app=web,n=12"),
        ("shop", "b", "app=db"),
        ("bank", "a", "app=web"),
    ]);
    for (selector, names) in [
        ("", "a b c"),
        ("app=web", "a c"),
        ("app=web,tier=front", "c"),
        ("app in (web,db)", "a b c"),
        ("app=none", ""),
        ("app!=web", "b"),
        ("tier", "c"),
        ("!tier", "a b"),
        ("!tier,app=web", "a"),
        ("n>5", "a"),
        ("n<5", "c"),
        ("app notin (db),n", "a c"),
    ] {
        assert_eq!(selected(&index, selector), names, "{selector}");
    }
}

#[test]
fn objects_come_with_their_labels() {
    let index = index(&[("shop", "b", "tier=front,app=web"), ("shop", "a", ""), ("bank", "a", "")]);
    let text = |object: &Object| {
        let labels: Vec<_> = object.labels().map(|(k, v)| format!("{k}={v}")).collect();
        format!("{} {}", object.name, labels.join(","))
    };
    let all = index.matching("shop", &Selector::default());
    assert_eq!(all.into_iter().map(text).collect::<Vec<_>>(), ["a ", "b app=web,tier=front"]);
    assert_eq!(index.object("shop", "b").map(text).as_deref(), Some("b app=web,tier=front"));
    assert!(index.object("shop", "c").is_none() && index.object("none", "a").is_none());
    assert_eq!(index.namespaces(), ["bank", "shop"]);
}

#[test]
fn only_changes_change_the_version_of_a_namespace() {
    let mut index = index(&[("shop", "a", "app=web"), ("bank", "a", "app=web")]);
    let bank = index.version("bank");
    let before = index.version("shop");
    assert!(!index.insert("shop", "a", labels("app=web")), "nothing changed");
    assert_eq!(index.version("shop"), before);
    assert!(index.insert("shop", "a", labels("app=db")));
    assert_ne!(index.version("shop"), before);
    assert_eq!((selected(&index, "app=web"), selected(&index, "app=db")), ("".into(), "a".into()));
    assert!(index.remove("shop", "a") && !index.remove("shop", "a"));
    assert_eq!((index.version("shop"), index.version("bank")), (0, bank));
    assert!(index.insert("shop", "a", labels("app=web")));
    assert!(index.version("shop") > before, "an old answer is not valid again");
}

#[test]
fn removed_objects_leave_neither_slots_nor_labels() {
    let mut index = index(&[("shop", "keep", "app=web")]);
    for round in 0..100 {
        let name = format!("pod-{round}");
        assert!(index.insert("shop", &name, labels(&format!("app=web,hash={round}"))));
        assert!(index.remove("shop", &name));
    }
    let space = &index.namespaces["shop"];
    assert_eq!((space.objects.len(), space.labels.len()), (2, 1));
    assert_eq!((index.len(), selected(&index, "app")), (1, "keep".to_owned()));
}

#[test]
fn an_equal_list_keeps_the_versions() {
    let older = index(&[("shop", "a", "app=web"), ("bank", "a", "")]);
    let mut newer = index(&[("bank", "a", "app=web"), ("shop", "a", "app=web")]);
    newer.replace_from(&older);
    assert_eq!(newer.version("shop"), older.version("shop"));
    assert_ne!(newer.version("bank"), older.version("bank"));
    assert!(newer.contains("bank", "a") && !newer.contains("bank", "b"));
    assert_eq!(newer.iter(Some("bank")).count(), 1);
    assert_eq!(newer.iter(None).count(), 2);
    assert_ne!(newer.version_of(None), older.version_of(None));
}

#[test]
fn a_removed_namespace_changes_the_version_of_all() {
    let older = index(&[("shop", "a", ""), ("bank", "a", "")]);
    let mut newer = index(&[("shop", "a", "")]);
    newer.replace_from(&older);
    assert_eq!(newer.version_of(Some("shop")), older.version_of(Some("shop")));
    assert_ne!(newer.version_of(None), older.version_of(None));
}
