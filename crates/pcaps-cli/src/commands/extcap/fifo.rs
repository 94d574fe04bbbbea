//! The pipe to Wireshark.

use std::{
    io,
    path::Path,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncReadExt as _, AsyncWrite, DuplexStream};

pub(super) use system::Fifo;

/// Passes on what is written, until all of it is, or until nobody reads it any more.
pub(super) async fn carry(mut from: DuplexStream, mut to: Fifo) {
    let mut piece = vec![0; 64 * 1024];
    loop {
        let count = tokio::select! {
            count = from.read(&mut piece) => count.unwrap_or_default(),
            () = to.left() => return,
        };
        let Some(bytes) = piece.get(..count).filter(|it| !it.is_empty()) else {
            return;
        };
        if to.write(bytes).await.is_err() {
            return;
        }
    }
}

/// A writer that knows whether anything was written.
pub(super) struct Begun {
    to: DuplexStream,
    pub(super) is_begun: bool,
}

impl Begun {
    pub(super) fn new(to: DuplexStream) -> Self {
        Self {
            to,
            is_begun: false,
        }
    }
}

impl AsyncWrite for Begun {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.is_begun = true;
        Pin::new(&mut self.to).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.to).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.to).poll_shutdown(cx)
    }
}

#[cfg(unix)]
mod system {
    use std::time::Duration;

    use tokio::{
        io::{AsyncWriteExt as _, Interest},
        net::unix::pipe::{OpenOptions, Sender},
        time::sleep,
    };

    use super::{Path, io};

    /// How often it is tried to open a pipe that nobody reads yet.
    const LOOK: Duration = Duration::from_millis(20);

    pub(in super::super) struct Fifo(Sender);

    impl Fifo {
        /// Waits until somebody reads it.
        pub(in super::super) async fn open(path: &Path) -> io::Result<Self> {
            let nobody = rustix::io::Errno::NXIO.raw_os_error();
            loop {
                match OpenOptions::new().open_sender(path) {
                    Err(error) if error.raw_os_error() == Some(nobody) => sleep(LOOK).await,
                    opened => return opened.map(Self),
                }
            }
        }

        /// Ends when nobody reads it any more. (On macOS that is not told: there it is seen when something is written.)
        pub(super) async fn left(&self) {
            // It is ready for nothing else.
            let _ = self.0.ready(Interest::ERROR).await;
        }

        pub(in super::super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
            self.0.write_all(bytes).await
        }
    }
}

#[cfg(not(unix))]
mod system {
    use tokio::{fs::File, io::AsyncWriteExt as _};

    use super::{Path, io};

    /// A named pipe: it is read as soon as it is there.
    pub(in super::super) struct Fifo(File);

    impl Fifo {
        pub(in super::super) async fn open(path: &Path) -> io::Result<Self> {
            let file = tokio::fs::OpenOptions::new().write(true).open(path).await;
            file.map(Self)
        }

        /// It cannot be seen before something is written. Wireshark ends this program then.
        pub(super) async fn left(&self) {
            std::future::pending().await
        }

        pub(in super::super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
            self.0.write_all(bytes).await?;
            self.0.flush().await
        }
    }
}
