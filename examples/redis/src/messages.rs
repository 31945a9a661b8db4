//! Subscriptions: an iterator over the messages, or a Python function called with each.

use std::sync::Arc;

use crossawait_core::{Awaitable, Caller, LoopBound, StreamIterator};
use futures_util::stream::{self, Stream, StreamExt};
use pyo3::prelude::*;
use redis::RedisResult;
use redis::aio::PubSubStream;

use crate::error::Error;
use crate::runtime::runtime;

/// A channel that is listened to, over a connection of its own.
pub(crate) struct Subscription(PubSubStream);

impl Subscription {
    pub(crate) async fn new(client: redis::Client, channel: Vec<u8>) -> RedisResult<Self> {
        let (mut sink, messages) = client.get_async_pubsub().await?.split();
        sink.subscribe(channel).await?;
        Ok(Self(messages))
    }

    /// What is published. Only the server ends it, and that is an error.
    fn payloads(self) -> impl Stream<Item = Result<Vec<u8>, Error>> {
        let payloads = self.0.map(|message| Ok(message.get_payload_bytes().to_vec()));
        payloads.chain(stream::once(async { Err(Error::Ended) }))
    }
}

/// What `async for` goes over.
impl<'py> IntoPyObject<'py> for Subscription {
    type Target = StreamIterator;
    type Output = Bound<'py, StreamIterator>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        runtime()?.stream_into_py(py, self.payloads())
    }
}

/// A Python `async` function, and the loop that it belongs to.
pub(crate) struct Callback {
    function: Arc<LoopBound<Py<PyAny>>>,
    caller: Caller,
}

impl Callback {
    pub(crate) fn new(function: Bound<'_, PyAny>) -> PyResult<Self> {
        let caller = Caller::current(function.py())?;
        Ok(Self { function: Arc::new(caller.bind(function.unbind())), caller })
    }

    async fn call(&self, payload: Vec<u8>) -> PyResult<()> {
        let function = self.function.clone();
        let call = self.caller.call(move |py| function.get(py).bind(py).call1((payload,)), |result| result.map(drop));
        call.await
    }
}

/// A subscription whose messages a callback gets, one after the other.
pub(crate) struct Listening {
    pub(crate) subscription: Subscription,
    pub(crate) callback: Callback,
}

impl Listening {
    async fn run(self) -> Result<(), Error> {
        let mut payloads = Box::pin(self.subscription.payloads());
        while let Some(payload) = payloads.next().await {
            self.callback.call(payload?).await.map_err(Error::Python)?;
        }
        Ok(())
    }
}

/// A future that is started: pending while it listens, cancelled to have it stop.
impl<'py> IntoPyObject<'py> for Listening {
    type Target = Awaitable;
    type Output = Bound<'py, Awaitable>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        runtime()?.builder().name("Client.on_message").future_into_py(py, self.run())
    }
}
