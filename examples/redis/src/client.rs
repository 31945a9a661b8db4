//! The class `Client`: what Python calls.
//!
//! Each verb builds its command from Python's own buffers, on the thread that calls, and gives a coroutine. Its first step
//! hands the command to a connection; from there to the answer no thread of the runtime's touches Python.

use std::fmt;
use std::time::Duration;

use crossawait_core::Coroutine;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyTuple, PyType};
use redis::{Cmd, FromRedisValue, Pipeline, cmd};

use crate::argument::{self, Argument};
use crate::blocking::Spares;
use crate::deadline::{Deadline, duration};
use crate::error::Error;
use crate::messages::{Callback, Listening, Subscription};
use crate::pool::Pool;
use crate::reply::Reply;
use crate::runtime::runtime;

/// A client of one Redis server, for any number of tasks. Its connections close when it is let go of.
#[pyclass(frozen, module = "crossawait_redis_example")]
pub(crate) struct Client {
    client: redis::Client,
    pool: Pool,
    spares: Spares,
    timeout: Option<Duration>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

#[pymethods]
impl Client {
    /// Connect to the server at `url`.
    ///
    /// Commands go over `connections` connections, and raise `TimeoutError` after `timeout` seconds.
    #[classmethod]
    #[pyo3(signature = (url, *, connections = 1, timeout = None))]
    fn connect<'py>(
        class: &Bound<'py, PyType>,
        url: &str,
        connections: usize,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, Coroutine>> {
        if connections == 0 {
            return Err(PyValueError::new_err("a client needs a connection"));
        }
        let timeout = duration(timeout)?;
        let client = redis::Client::open(url).map_err(|error| PyValueError::new_err(error.to_string()))?;
        let connected = async move {
            let pool = Pool::connect(&client, connections, timeout).await?;
            Ok::<_, Error>(Self { pool, spares: Spares::new(client.clone(), timeout), client, timeout })
        };
        runtime()?.builder().name("Client.connect").coroutine_into_py(class.py(), connected)
    }

    /// Run any command, and give its answer as it is.
    #[pyo3(signature = (*command))]
    fn execute<'py>(&self, command: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, Coroutine>> {
        self.query::<Reply>(command.py(), "Client.execute", argument::command(command.as_any())?)
    }

    /// Give the value of a key, or `None`.
    fn get<'py>(&self, py: Python<'py>, key: Argument<'_>) -> PyResult<Bound<'py, Coroutine>> {
        self.query::<Reply>(py, "Client.get", argument::named("GET", [key]))
    }

    /// Set a key to a value.
    fn set<'py>(&self, py: Python<'py>, key: Argument<'_>, value: Argument<'_>) -> PyResult<Bound<'py, Coroutine>> {
        self.query::<()>(py, "Client.set", argument::named("SET", [key, value]))
    }

    /// Delete keys, and say how many there were.
    #[pyo3(signature = (*keys))]
    fn delete<'py>(&self, keys: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, Coroutine>> {
        let mut command = cmd("DEL");
        argument::append(&mut command, keys.as_any())?;
        self.query::<u64>(keys.py(), "Client.delete", command)
    }

    /// Add to the number that a key holds, and give the sum.
    #[pyo3(signature = (key, by = 1))]
    fn incr<'py>(&self, py: Python<'py>, key: Argument<'_>, by: i64) -> PyResult<Bound<'py, Coroutine>> {
        let mut command = argument::named("INCRBY", [key]);
        command.arg(by);
        self.query::<i64>(py, "Client.incr", command)
    }

    /// Publish a message, and say how many got it.
    fn publish<'py>(
        &self,
        py: Python<'py>,
        channel: Argument<'_>,
        message: Argument<'_>,
    ) -> PyResult<Bound<'py, Coroutine>> {
        self.query::<u64>(py, "Client.publish", argument::named("PUBLISH", [channel, message]))
    }

    /// Run many commands in one round trip, and give the list of their answers; raise the first error.
    #[pyo3(signature = (commands, *, transaction = false))]
    fn pipeline<'py>(&self, commands: &Bound<'py, PyAny>, transaction: bool) -> PyResult<Bound<'py, Coroutine>> {
        let mut pipeline = Pipeline::new();
        for command in commands.try_iter()? {
            pipeline.add_command(argument::command(&command?)?);
        }
        if transaction {
            pipeline.atomic();
        }
        let mut connection = self.pool.connection();
        let answers = async move { Ok::<_, Error>(pipeline.query_async::<Reply>(&mut connection).await?) };
        runtime()?.builder().name("Client.pipeline").coroutine_into_py(commands.py(), answers)
    }

    /// Take the first element of the first of the lists that has one, and give key and element.
    ///
    /// Waits for one, on a connection of its own; `None` if there is none after `timeout` seconds.
    #[pyo3(signature = (*keys, timeout = None))]
    fn blpop<'py>(&self, keys: &Bound<'py, PyTuple>, timeout: Option<f64>) -> PyResult<Bound<'py, Coroutine>> {
        let mut command = cmd("BLPOP");
        argument::append(&mut command, keys.as_any())?;
        // For the server 0 is "for ever".
        command.arg(duration(timeout)?.map_or(0.0, |timeout| timeout.as_secs_f64().max(0.001)));
        let spares = self.spares.clone();
        let popped = async move { Ok::<_, Error>(spares.run(command).await?) };
        runtime()?.builder().name("Client.blpop").coroutine_into_py(keys.py(), popped)
    }

    /// Listen to a channel: gives an asynchronous iterator over what is published from now on.
    fn subscribe<'py>(&self, py: Python<'py>, channel: Argument<'_>) -> PyResult<Bound<'py, Coroutine>> {
        let subscribing = Subscription::new(self.client.clone(), channel.into_bytes());
        let deadline = Deadline::after(self.timeout)?;
        let subscribed = async move { deadline.limit(subscribing).await };
        runtime()?.builder().name("Client.subscribe").coroutine_into_py(py, subscribed)
    }

    /// Have an `async` function called with every message that is published from now on, one after the other.
    ///
    /// Gives a future that is pending meanwhile. Cancel it, or let go of it, and the calls end; what the function raises
    /// ends them too, and is what the future raises.
    fn on_message<'py>(
        &self,
        py: Python<'py>,
        channel: Argument<'_>,
        callback: Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, Coroutine>> {
        let callback = Callback::new(callback)?;
        let subscribing = Subscription::new(self.client.clone(), channel.into_bytes());
        let deadline = Deadline::after(self.timeout)?;
        let listening = async move {
            let subscription = deadline.limit(subscribing).await?;
            Ok::<_, Error>(Listening { subscription, callback })
        };
        runtime()?.builder().name("Client.on_message").coroutine_into_py(py, listening)
    }
}

impl Client {
    fn query<'py, T>(&self, py: Python<'py>, name: &'static str, command: Cmd) -> PyResult<Bound<'py, Coroutine>>
    where
        T: FromRedisValue + for<'a> IntoPyObject<'a> + Send + 'static,
    {
        let mut connection = self.pool.connection();
        let answer = async move { Ok::<_, Error>(command.query_async::<T>(&mut connection).await?) };
        runtime()?.builder().name(name).coroutine_into_py(py, answer)
    }
}
