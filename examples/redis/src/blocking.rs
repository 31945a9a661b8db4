//! Connections for commands that keep one to themselves, since the server answers only when there is something.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, RedisResult};

use crate::reply::Reply;

/// Connections that nobody blocks at the moment, and a way to more of them.
#[derive(Clone)]
pub(crate) struct Spares {
    client: redis::Client,
    config: AsyncConnectionConfig,
    idle: Arc<Mutex<Vec<MultiplexedConnection>>>,
}

impl Spares {
    /// `timeout` is for connecting; an answer may take as long as it wants.
    pub(crate) fn new(client: redis::Client, timeout: Option<Duration>) -> Self {
        let config = AsyncConnectionConfig::new();
        let config = match timeout {
            Some(timeout) => config.set_connection_timeout(timeout),
            None => config,
        };
        Self { client, config, idle: Arc::default() }
    }

    /// Given up on its way, it takes its connection with it: that is how the server hears of it.
    pub(crate) async fn run(self, command: Cmd) -> RedisResult<Reply> {
        let mut connection = match self.spare() {
            Some(connection) => connection,
            None => self.client.get_multiplexed_async_connection_with_config(&self.config).await?,
        };
        let reply = command.query_async(&mut connection).await?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        Ok(reply)
    }

    fn spare(&self) -> Option<MultiplexedConnection> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}
