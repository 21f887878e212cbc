//! `leadsman serve`

use std::process::ExitCode;

use leadsman::app::{App, ClusterOptions, Options, StartError};
use tokio::signal::unix::{SignalKind, signal};

use super::{FAULTS, count, failed, run};
use crate::cli::Serve;

/// Serves until a signal.
pub(crate) fn serve(serve: Serve) -> ExitCode {
    let flags = match serve.adapter.flags() {
        Ok(flags) => flags,
        Err(error) => return failed(&error),
    };
    let traces = match serve.observability.traces() {
        Ok(traces) => traces,
        Err(error) => return failed(&error),
    };
    let options = Options {
        config: serve.config.origin(),
        flags,
        cache: serve.cache_dir,
        cluster: ClusterOptions::Connect { kubeconfig: serve.kubeconfig, service: serve.service },
        address: serve.bind_address,
        port: serve.secure_port,
        tls: serve.tls_cert_file.zip(serve.tls_private_key_file),
        admin: serve.admin_address,
        admin_auth: serve.admin_auth.into(),
        scaler: serve.scaler.options(),
        shutdown_delay: serve.shutdown_delay_duration,
        traces,
        autoscaler_events: serve.observability.autoscaler_events,
    };
    let serving = async {
        // Signals count from now on: a start may take a while, and already serves.
        let mut end = std::pin::pin!(ended_by_signal());
        let app = tokio::select! {
            biased;
            () = &mut end => return Ok(()),
            app = App::start(&options) => app?,
        };
        app.run(end).await?;
        Ok::<(), StartError>(())
    };
    match run(serving).map_err(StartError::Other).flatten() {
        Ok(()) => ExitCode::SUCCESS,
        Err(StartError::Faults(documents)) => {
            documents.iter().for_each(|faults| eprintln!("{faults}"));
            eprintln!("leadsman: not started: the configuration has {}", count(&documents));
            ExitCode::from(FAULTS)
        }
        Err(error) => failed(&error.into()),
    }
}

/// SIGTERM is how Kubernetes ends a pod, SIGINT is Ctrl-C.
pub(super) async fn ended_by_signal() {
    let wait = |kind| async move {
        match signal(kind) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(error) => {
                tracing::error!(%error, "signals cannot be waited for");
                std::future::pending().await
            }
        }
    };
    tokio::select! {
        () = wait(SignalKind::terminate()) => {}
        () = wait(SignalKind::interrupt()) => {}
    }
}
