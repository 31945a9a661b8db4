//! A limit for what the driver gives none, on any runtime: the executor brings the timer.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use crossawait_core::io::BoxFuture;
use futures_util::future::{Either, select};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use redis::RedisResult;

use crate::error::Error;
use crate::runtime::runtime;

/// When to give up; it begins with the first poll of what it is a limit for.
pub(crate) struct Deadline(Option<BoxFuture<()>>);

impl Deadline {
    pub(crate) fn after(limit: Option<Duration>) -> PyResult<Self> {
        let timers = runtime()?.executor().timers();
        Ok(Self(limit.zip(timers).map(|(limit, timers)| timers.sleep(limit))))
    }

    pub(crate) async fn limit<T>(self, work: impl Future<Output = RedisResult<T>>) -> Result<T, Error> {
        let Some(sleep) = self.0 else {
            return Ok(work.await?);
        };
        match select(pin!(work), sleep).await {
            Either::Left((result, _)) => Ok(result?),
            Either::Right(_) => Err(Error::TimedOut),
        }
    }
}

/// Seconds as Python gives them.
pub(crate) fn duration(seconds: Option<f64>) -> PyResult<Option<Duration>> {
    let duration = seconds.map(Duration::try_from_secs_f64).transpose();
    duration.map_err(|error| PyValueError::new_err(format!("that is no timeout: {error}")))
}
