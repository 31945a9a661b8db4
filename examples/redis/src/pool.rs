//! Connections that many commands share: each carries any number of them at once, and takes the place of a lost one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::try_join_all;
use redis::RedisResult;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};

pub(crate) struct Pool {
    connections: Vec<ConnectionManager>,
    next: AtomicUsize,
}

impl Pool {
    pub(crate) async fn connect(client: &redis::Client, size: usize, timeout: Option<Duration>) -> RedisResult<Self> {
        // A command that finds the server gone says so at once; the next one tries again.
        let mut config = ConnectionManagerConfig::new().set_number_of_retries(0);
        if let Some(timeout) = timeout {
            config = config.set_connection_timeout(timeout).set_response_timeout(timeout);
        }
        let connecting = (0..size).map(|_| client.get_connection_manager_with_config(config.clone()));
        Ok(Self { connections: try_join_all(connecting).await?, next: AtomicUsize::new(0) })
    }

    /// One after the other: the load is even without anybody counting it.
    pub(crate) fn connection(&self) -> ConnectionManager {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        self.connections[next % self.connections.len()].clone()
    }
}
