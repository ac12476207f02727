//! A stream that loses patience: with a head that does not come, a connection that is not used, a client that does not
//! read what it asked for.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    sync::atomic::{AtomicU8, AtomicU64, Ordering},
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

use crate::clock::Moment;

/// Time for the head of a request, from its first byte; of the first request, from the connection.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// Time between requests.
const IDLE_WITHIN: Duration = Duration::from_secs(75);
/// Time in which a client must take at least something of an answer.
const WRITE_WITHIN: Duration = Duration::from_secs(30);
/// The same of an answer that goes on and on.
const STREAM_WITHIN: Duration = crate::feed::limits::STALL_WITHIN;

const IDLE: u8 = 0;
const HEAD: u8 = 1;
const BUSY: u8 = 2;
const STREAM: u8 = 3;

/// What a connection is doing: the service tells, the stream asks. Both run in one task.
pub(super) struct Pace {
    phase: AtomicU8,
    since: AtomicU64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { phase: AtomicU8::new(HEAD), since: AtomicU64::new(Moment::now().to_bits()) }
    }
}

impl Pace {
    fn set(&self, phase: u8) {
        self.since.store(Moment::now().to_bits(), Ordering::Relaxed);
        self.phase.store(phase, Ordering::Relaxed);
    }

    /// A head is complete: the request has its own time limit.
    pub(super) fn request_begins(&self) {
        self.phase.store(BUSY, Ordering::Relaxed);
    }

    /// The request is answered.
    pub(super) fn request_ends(&self) {
        self.set(IDLE);
    }

    /// The answer goes on for as long as the client wants: nothing need come from it.
    pub(super) fn streams(&self) {
        self.phase.store(STREAM, Ordering::Relaxed);
    }

    fn write_within(&self) -> Duration {
        if self.phase.load(Ordering::Relaxed) == STREAM { STREAM_WITHIN } else { WRITE_WITHIN }
    }

    fn bytes_came(&self) {
        if self.phase.load(Ordering::Relaxed) == IDLE {
            self.set(HEAD);
        }
    }

    /// How long a read may still wait.
    fn left(&self) -> Option<Duration> {
        let within = match self.phase.load(Ordering::Relaxed) {
            IDLE => IDLE_WITHIN,
            HEAD => HEAD_WITHIN,
            _ => return None,
        };
        let since = Moment::from_bits(self.since.load(Ordering::Relaxed))?;
        Some(within.saturating_sub(Moment::now().since(since)))
    }
}

/// A stream with limited patience.
pub(super) struct Patient<S> {
    stream: S,
    pace: Arc<Pace>,
    /// Rings at the latest when patience may end; reset only when it must ring earlier or has rung too early, so that
    /// a busy connection never touches a timer.
    read_timer: Pin<Box<Sleep>>,
    write_timer: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    pub(super) fn new(stream: S, pace: Arc<Pace>) -> Self {
        let read_timer = Box::pin(sleep_until(Instant::now() + HEAD_WITHIN));
        Self { stream, pace, read_timer, write_timer: None }
    }

    /// Nothing to read: pending, until patience ends.
    fn wait_to_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let Some(left) = self.pace.left() else { return Poll::Pending };
            if left.is_zero() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            let until = Instant::now() + left;
            // A millisecond of grace: moments are counted in whole ones.
            if self.read_timer.deadline() > until + Duration::from_millis(1) || self.read_timer.is_elapsed() {
                self.read_timer.as_mut().reset(until);
            }
            ready!(self.read_timer.as_mut().poll(context));
        }
    }

    /// What a write came to: one that makes no way for long is an error.
    fn judge_write<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.write_timer = None;
            return written;
        }
        let within = self.pace.write_within();
        let timer = self.write_timer.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + within)));
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        match Pin::new(&mut this.stream).poll_read(context, buffer) {
            Poll::Ready(read) => {
                if buffer.filled().len() > before {
                    this.pace.bytes_came();
                }
                Poll::Ready(read)
            }
            Poll::Pending => this.wait_to_read(context),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.judge_write(context, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(context, slices);
        this.judge_write(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(context);
        this.judge_write(context, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let shut = Pin::new(&mut this.stream).poll_shutdown(context);
        this.judge_write(context, shut)
    }
}
