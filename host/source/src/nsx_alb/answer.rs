//! Converts the series of a controller to an answer: AKO's markers of an object become labels of its
//! series.

use super::decode::Row;
use super::error::AlbError;
use super::objects::{AlbObject, Objects};
use super::query::{NsxAlbQuery, Pick};
use crate::error::shortened;
use leadsman_model::data::{Answer, Data, Vector};
use leadsman_model::dictionary::Dictionary;
use leadsman_model::names::Namespace;

/// The only object that a query names, among those of the name.
pub(super) fn named<'a>(
    query: &NsxAlbQuery,
    name: &str,
    objects: &'a Objects,
    tenant: &str,
) -> Result<&'a AlbObject, AlbError> {
    let entity = query.entity.name();
    let is_meant = |object: &&AlbObject| object.name == name && is_of_tenant(query, object);
    let mut found: Vec<_> = objects.all().filter(is_meant).collect();
    match *found.as_slice() {
        [object] => Ok(object),
        [] => {
            let tenant = query.tenant.clone().unwrap_or_else(|| match tenant {
                "*" => "* (all)".to_owned(),
                tenant => tenant.to_owned(),
            });
            Err(AlbError::UnknownName { entity, name: name.to_owned(), tenant })
        }
        _ => {
            let count = found.len();
            found.sort_by(|one, other| one.tenant.cmp(&other.tenant));
            let tenants: Vec<_> = found.iter().map(|object| object.tenant.as_str()).collect();
            let tenants = shortened(&tenants.join(" and "));
            Err(AlbError::AmbiguousName { entity, name: name.to_owned(), count, tenants })
        }
    }
}

fn is_of_tenant(query: &NsxAlbQuery, object: &AlbObject) -> bool {
    query.tenant.as_ref().is_none_or(|tenant| *tenant == object.tenant)
}

/// The series of a query as a vector. `objects` are those that they may be of; without them all are
/// taken. `namespace` is that of the evaluation.
pub(super) fn answer(
    query: &NsxAlbQuery,
    rows: &[Row],
    objects: Option<&Objects>,
    namespace: Option<&Namespace>,
) -> Answer {
    let mut dictionary = Dictionary::new();
    let mut vector = Vector::default();
    let mut units = Units::default();
    let only = query.only(namespace);
    for row in rows {
        let object = match objects {
            None => None,
            Some(objects) => match objects.get(&row.entity) {
                Some(object) if is_meant(query, objects, object, only) => Some(object),
                _ => continue,
            },
        };
        vector.labels.add_row();
        let mut set = |label: &str, value: &str| {
            let (label, value) = (dictionary.intern(label), dictionary.intern(value));
            vector.labels.set(label, value);
        };
        set("uuid", &row.entity);
        if let Some(object) = object {
            set(query.entity.name(), &object.name);
            set("tenant", &object.tenant);
            object.labels.iter().for_each(|(label, value)| set(label, value));
        }
        if let Some(server) = &row.server {
            // `address:port`
            set("server", server);
            set("address", address(server));
        }
        units.add(row.unit.as_deref());
        vector.values.push(row.value);
        vector.times.push(row.time);
    }
    Answer { dictionary, data: Data::Vector(vector), unit: units.word(), warnings: Vec::new() }
}

/// What the series of an answer are counted in.
#[derive(Default)]
enum Units<'a> {
    /// There are no series.
    #[default]
    None,
    /// All have this one.
    Same(&'a str),
    /// Some have none, or another one.
    Differ,
}

impl<'a> Units<'a> {
    fn add(&mut self, unit: Option<&'a str>) {
        *self = match (&self, unit) {
            (Self::None, Some(unit)) => Self::Same(unit),
            (Self::Same(known), Some(unit)) if *known == unit => return,
            _ => Self::Differ,
        };
    }

    /// The unit as plugins get it. What a controller calls `METRIC_COUNT` is a count.
    fn word(self) -> Option<String> {
        let Self::Same(unit) = self else { return None };
        let word = unit.to_lowercase();
        Some(word.strip_prefix("metric_").map(str::to_owned).unwrap_or(word))
    }
}

fn is_meant(
    query: &NsxAlbQuery,
    objects: &Objects,
    object: &AlbObject,
    only: Option<&Namespace>,
) -> bool {
    let label = |name: &str| {
        let found = object.labels.iter().find(|(label, _)| *label == name);
        found.map(|(_, value)| value.as_str())
    };
    let of_cluster = match &query.pick {
        Pick::Ako(cluster) => objects.is_of_cluster(object, cluster),
        Pick::Name(_) | Pick::Uuid(_) => true,
    };
    of_cluster
        && is_of_tenant(query, object)
        && only.is_none_or(|only| label("namespace") == Some(only.as_str()))
}

/// The address of a server, without its port.
fn address(server: &str) -> &str {
    match server.rsplit_once(':') {
        Some((address, port)) if port.bytes().all(|b| b.is_ascii_digit()) => {
            address.trim_start_matches('[').trim_end_matches(']')
        }
        _ => server,
    }
}

#[cfg(test)]
mod tests {
    use super::super::objects::Listing;
    use super::super::query::{AkoNamespace, Entity};
    use super::*;
    use serde_json::{Value, json};

    fn objects(list: Value) -> Objects {
        let mut listing = Listing::of(Entity::Pool);
        listing.add(json!({"results": list}).to_string().as_bytes()).unwrap();
        listing.end()
    }

    fn pool(uuid: &str, name: &str, tenant: &str, markers: &[(&str, &str)]) -> Value {
        let markers: Vec<_> =
            markers.iter().map(|(key, value)| json!({"key": key, "values": [value]})).collect();
        json!({"uuid": uuid, "name": name, "markers": markers,
               "tenant_ref": format!("https://h/api/tenant/{tenant}#{tenant}")})
    }

    fn query(pick: Pick) -> NsxAlbQuery {
        NsxAlbQuery {
            entity: Entity::Pool,
            metric: "l4_server.avg_open_conns".to_owned(),
            pick,
            tenant: None,
            namespace: AkoNamespace::Any,
            servers: false,
            step: None,
            summed: false,
        }
    }

    fn row(entity: &str, server: Option<&str>, value: f64) -> Row {
        Row {
            entity: entity.to_owned(),
            metric: "l4_server.avg_open_conns".to_owned(),
            server: server.map(str::to_owned),
            unit: Some("METRIC_COUNT".to_owned()),
            sum_invalid: false,
            time: 7000,
            value,
        }
    }

    /// Each series with its labels as text.
    fn reported(answer: &Answer) -> Vec<(String, f64)> {
        let Data::Vector(vector) = &answer.data else { panic!("{answer:?}") };
        let labels = |row| {
            let pair = |(name, value)| {
                format!("{}={}", answer.dictionary.get(name), answer.dictionary.get(value))
            };
            let mut labels: Vec<_> = vector.labels.row(row).map(pair).collect();
            labels.sort();
            labels.join(" ")
        };
        (0..vector.labels.rows()).map(|row| (labels(row), vector.values[row])).collect()
    }

    #[test]
    fn what_ako_made_has_its_markers_as_labels() {
        let objects = objects(json!([
            pool(
                "pool-1",
                "p1",
                "admin",
                &[("clustername", "k8s"), ("Namespace", "shop"), ("IngressName", "web")]
            ),
            pool(
                "pool-2",
                "p2",
                "admin",
                &[("clustername", "k8s"), ("Namespace", "bank"), ("IngressName", "web")]
            ),
            pool(
                "pool-3",
                "p3",
                "admin",
                &[("clustername", "other"), ("Namespace", "shop"), ("IngressName", "web")]
            ),
        ]));
        let rows = [
            row("pool-1", None, 1.0),
            row("pool-2", None, 2.0),
            row("pool-3", None, 3.0),
            row("pool-of-nobody", None, 4.0),
        ];
        let query = query(Pick::Ako("k8s".to_owned()));
        let answer_of =
            |query, namespace| reported(&answer(query, &rows, Some(&objects), namespace));
        let labels = |pool: u8, namespace: &str| {
            format!(
                "cluster=k8s ingress=web namespace={namespace} pool=p{pool} tenant=admin \
                 uuid=pool-{pool}"
            )
        };
        assert_eq!(answer_of(&query, None), [(labels(1, "shop"), 1.0), (labels(2, "bank"), 2.0)]);
        let bank: Namespace = "bank".parse().unwrap();
        assert_eq!(answer_of(&query, Some(&bank)), [(labels(2, "bank"), 2.0)]);
        let fixed = NsxAlbQuery { namespace: AkoNamespace::Fixed(bank.clone()), ..query.clone() };
        assert_eq!(answer_of(&fixed, None), [(labels(2, "bank"), 2.0)]);
        let elsewhere = NsxAlbQuery { tenant: Some("prod".to_owned()), ..query.clone() };
        assert!(answer_of(&elsewhere, None).is_empty());
    }

    #[test]
    fn servers_have_an_address_and_times_are_those_of_samples() {
        let rows =
            [row("pool-1", Some("10.0.0.1:8080"), 1.0), row("pool-1", Some("[fd00::1]:80"), 2.0)];
        let answer = answer(&query(Pick::Uuid("pool-1".to_owned())), &rows, None, None);
        assert_eq!(
            reported(&answer).into_iter().map(|(labels, _)| labels).collect::<Vec<_>>(),
            [
                "address=10.0.0.1 server=10.0.0.1:8080 uuid=pool-1",
                "address=fd00::1 server=[fd00::1]:80 uuid=pool-1",
            ]
        );
        let Data::Vector(vector) = &answer.data else { panic!() };
        assert_eq!(vector.times, [7000, 7000]);
    }

    #[test]
    fn the_unit_is_that_of_all_series_or_none() {
        let of = |units: &[Option<&str>]| {
            let row = |unit: &Option<&str>| Row {
                unit: unit.map(str::to_owned),
                ..row("pool-1", None, 1.0)
            };
            let rows: Vec<_> = units.iter().map(row).collect();
            answer(&query(Pick::Uuid("pool-1".to_owned())), &rows, None, None).unit
        };
        let (count, bits) = (Some("METRIC_COUNT"), Some("BITS_PER_SECOND"));
        assert_eq!(of(&[count, count]).as_deref(), Some("count"));
        assert_eq!(of(&[bits]).as_deref(), Some("bits_per_second"));
        for mixed in [&[][..], &[None], &[count, bits], &[count, None], &[None, count, count]] {
            assert_eq!(of(mixed), None, "{mixed:?}");
        }
    }

    #[test]
    fn a_name_of_two_tenants_is_no_name() {
        let objects = objects(json!([
            pool("pool-1", "web", "shop", &[]),
            pool("pool-2", "web", "bank", &[])
        ]));
        let query = query(Pick::Name("web".to_owned()));
        let error = named(&query, "web", &objects, "*").unwrap_err();
        assert_eq!(
            error.to_string(),
            "has 2 pools named \"web\", in the tenants bank and shop; say which with `tenant` or \
             `uuid`"
        );
        let bank = NsxAlbQuery { tenant: Some("bank".to_owned()), ..query.clone() };
        assert_eq!(named(&bank, "web", &objects, "*").unwrap().uuid, "pool-2");
        let error = named(&query, "Web", &objects, "admin").unwrap_err();
        assert_eq!(
            error.to_string(),
            "has no pool named \"Web\" in tenant admin; names are case sensitive"
        );
    }
}
