//! TriggerAuthentications: maps the Secrets that KEDA reads to files in Leadsman's pod.

use std::collections::BTreeMap;

use http::HeaderName;

use crate::Context;
use crate::field::Fields;
use crate::names::is_name;
use crate::note::Notes;
use crate::scaled_object::{AuthenticationRef, ScaledObject};
use crate::source::{Authentication, MountKind, Mounted};
use crate::trigger::Metadata;

/// A parameter of a TriggerAuthentication.
enum Parameter {
    File(Mounted),
    /// It cannot be read from a file, for this reason.
    Unavailable(String),
}

/// What a TriggerAuthentication gives.
#[derive(Default)]
struct AuthenticationSettings {
    parameters: BTreeMap<String, Parameter>,
    /// The identity of a cloud that requests are signed with.
    identity: Option<String>,
}

/// What has parameters elsewhere than in Kubernetes: the key, where that is, and what to do.
const STORES: [(&str, &str); 5] = [
    ("hashiCorpVault", "HashiCorp Vault"),
    ("azureKeyVault", "Azure Key Vault"),
    ("gcpSecretManager", "the Secret Manager of Google Cloud"),
    ("awsSecretManager", "the Secrets Manager of AWS"),
    ("filePath", "a file of KEDA's own pod"),
];

/// The name of a TriggerAuthentication, as messages have it.
fn called(reference: &AuthenticationRef) -> String {
    let kind =
        if reference.of_cluster { "ClusterTriggerAuthentication" } else { "TriggerAuthentication" };
    format!("{kind} {}", reference.name)
}

/// How a trigger authenticates. `None` if it cannot be kept; the notes say why.
pub(crate) fn of_trigger(
    object: &ScaledObject,
    metadata: &mut Metadata<'_>,
    reference: Option<&AuthenticationRef>,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Option<Authentication> {
    let place = metadata.place().to_owned();
    let modes = metadata.get("authModes", notes)?.or(metadata.get("authMode", notes)?);
    let unsafe_tls = metadata.flag("unsafeSsl", false, notes)?;
    let given = match reference {
        None => AuthenticationSettings::default(),
        Some(reference) => given(object, &place, reference, context, notes)?,
    };
    if given.parameters.contains_key("authModes") || given.parameters.contains_key("authMode") {
        notes.refuse(format!(
            "{place}: authModes is a parameter of its TriggerAuthentication, and values of Secrets are not \
             read; write authModes into the trigger"
        ));
        return None;
    }
    if let Some(identity) = given.identity {
        notes.refuse(format!(
            "{place}: it authenticates with the identity of a cloud ({identity}), and Leadsman signs no \
             requests; put a proxy that signs them before the server, and give its address"
        ));
        return None;
    }
    let modes: Vec<_> = modes.as_deref().unwrap_or_default().split(',').map(str::trim).collect();
    let modes: Vec<_> = modes.into_iter().filter(|mode| !mode.is_empty()).collect();
    let mut auth = Authentication::default();
    let find = ParameterLookup { given: &given.parameters, place: &place, reference };
    for mode in &modes {
        match *mode {
            "bearer" => auth.bearer = Some(find.file(&["bearerToken", "token"], notes)?),
            "basic" => {
                let username = find.file(&["username"], notes)?;
                auth.basic = Some((username, find.file(&["password"], notes)?));
            }
            "tls" => {
                let certificate = find.file(&["cert"], notes)?;
                auth.identity = Some((certificate, find.file(&["key"], notes)?));
            }
            "custom" => auth.header = Some(find.header(object, context, notes)?),
            other => {
                notes.refuse(format!(
                    "{place}: the authMode \"{other}\" cannot be kept: there are bearer, basic, tls and custom; \
                     put a proxy that authenticates so before the server, and give its address"
                ));
                return None;
            }
        }
    }
    if auth.bearer.is_some() && auth.basic.is_some() {
        notes.refuse(format!(
            "{place}: KEDA itself refuses the authModes bearer and basic together"
        ));
        return None;
    }
    // Without a mode KEDA uses nothing of the TriggerAuthentication.
    if !modes.is_empty() && given.parameters.contains_key("ca") {
        auth.authority = Some(find.file(&["ca"], notes)?);
    }
    // With certificates of their own KEDA's requests do not look at unsafeSsl.
    auth.trusts_anyone = unsafe_tls && auth.authority.is_none() && auth.identity.is_none();
    Some(auth)
}

/// Looks up the parameters of a trigger.
struct ParameterLookup<'a> {
    given: &'a BTreeMap<String, Parameter>,
    place: &'a str,
    reference: Option<&'a AuthenticationRef>,
}

impl ParameterLookup<'_> {
    fn file(&self, names: &[&str], notes: &mut Notes) -> Option<Mounted> {
        let place = self.place;
        let name = names.first().copied().unwrap_or_default();
        match names.iter().find_map(|name| self.given.get(*name)) {
            Some(Parameter::File(mounted)) => Some(mounted.clone()),
            Some(Parameter::Unavailable(reason)) => {
                notes.refuse(format!("{place}: the parameter {name} {reason}"));
                None
            }
            None => {
                let where_ = match self.reference {
                    Some(reference) => format!("{} has no such parameter", called(reference)),
                    None => "the trigger has no authenticationRef".to_owned(),
                };
                notes.refuse(format!("{place}: its authModes need the parameter {name}: {where_}"));
                None
            }
        }
    }

    /// The header of `custom`, whose name is a value of the Secret, too.
    fn header(
        &self,
        object: &ScaledObject,
        context: &Context<'_>,
        notes: &mut Notes,
    ) -> Option<(String, Mounted)> {
        let value = self.file(&["customAuthValue"], notes)?;
        let reference = self.reference?;
        let key = match reference.of_cluster {
            true => reference.name.clone(),
            false => format!("{}/{}", object.namespace, reference.name),
        };
        let place = self.place;
        match context.settings.header_names.get(&key) {
            Some(name) if HeaderName::try_from(name).is_ok() => Some((name.clone(), value)),
            Some(name) => {
                notes.refuse(format!("{place}: \"{name}\" is not the name of a header"));
                None
            }
            None => {
                notes.refuse(format!(
                    "{place}: the name of its header is a value of a Secret, which is not read; give it with \
                     --auth-header {key}=NAME"
                ));
                None
            }
        }
    }
}

/// What a TriggerAuthentication says.
fn given(
    object: &ScaledObject,
    place: &str,
    reference: &AuthenticationRef,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Option<AuthenticationSettings> {
    let namespace = if reference.of_cluster { "" } else { object.namespace.as_str() };
    let key = (namespace.to_owned(), reference.name.clone());
    let Some(manifest) = context.manifests.authentications.get(&key) else {
        notes.refuse(format!(
            "{place}: it refers to the {}, which is not among what was read",
            called(reference)
        ));
        return None;
    };
    let mut faults = Vec::new();
    let mut root = Fields::new(manifest, String::new(), &mut faults);
    let secrets_in =
        if reference.of_cluster { &context.settings.keda_namespace } else { &object.namespace };
    let mut given = AuthenticationSettings::default();
    if let Some(mut spec) = root.inner("spec") {
        if let Some(mut identity) = spec.inner("podIdentity") {
            given.identity = identity.text("provider").filter(|provider| provider != "none");
        }
        for (list, kind) in
            [("secretTargetRef", MountKind::Secret), ("configMapTargetRef", MountKind::ConfigMap)]
        {
            for (at, item) in spec.list(list).iter().enumerate() {
                let mut item = spec.item(list, at, item);
                let mut text = |key: &str| item.text(key).unwrap_or_default();
                let (parameter, name, key) = (text("parameter"), text("name"), text("key"));
                let is_path =
                    [secrets_in, &name, &key].into_iter().all(|part| is_name(part.as_str()));
                let namespace = secrets_in.clone();
                let found = match is_path {
                    true => Parameter::File(Mounted { kind, namespace, name, key }),
                    false => Parameter::Unavailable(format!(
                        "is in \"{name}\" under \"{key}\", which are no names of Kubernetes"
                    )),
                };
                given.parameters.insert(parameter, found);
            }
        }
        for (at, item) in spec.list("env").iter().enumerate() {
            let mut item = spec.item("env", at, item);
            let (parameter, name) = (item.text("parameter"), item.text("name"));
            let reason = format!(
                "is in the environment of the workload ({}), which Leadsman's pod does not have; put it into a \
                 Secret, and name that under secretTargetRef",
                name.unwrap_or_default()
            );
            given.parameters.insert(parameter.unwrap_or_default(), Parameter::Unavailable(reason));
        }
        for (at, item) in spec.list("boundServiceAccountToken").iter().enumerate() {
            let mut item = spec.item("boundServiceAccountToken", at, item);
            let account = item.text("serviceAccountName").unwrap_or_default();
            let parameter = item.text("parameter").unwrap_or_default();
            notes.todo(format!(
                "{place}: KEDA sends a token of the service account {}/{account}; Leadsman sends one of its own, \
                 which needs the same rights",
                object.namespace
            ));
            let (kind, none) = (MountKind::Token, String::new());
            let token = Mounted { kind, namespace: none.clone(), name: none.clone(), key: none };
            given.parameters.insert(parameter, Parameter::File(token));
        }
        for (key, store) in STORES {
            if spec.value(key).is_some() {
                notes.refuse(format!(
                    "{place}: {} has its parameters in {store}; bring them into a Secret, and name that under \
                     secretTargetRef",
                    called(reference)
                ));
            }
        }
        for key in ["oauth2", "azureServicePrincipal"] {
            if spec.value(key).is_some() {
                notes.refuse(format!(
                    "{place}: {} gets tokens from elsewhere ({key}), which Leadsman does not; put a proxy that \
                     does before the server, and give its address",
                    called(reference)
                ));
            }
        }
    }
    for fault in &faults {
        notes.refuse(format!("{place}: {}: {fault}", called(reference)));
    }
    (faults.is_empty() && !notes.are_refusal()).then_some(given)
}
