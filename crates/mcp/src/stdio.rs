//! Standard input and output: whoever started the program is its client.

use crate::limits::LINE_BYTES_MAX;
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::{RoleServer, ServerHandler, ServiceExt};
use tokio::io::{AsyncRead, AsyncWrite};

/// Why a client over standard input was not served to its end.
#[derive(Debug, thiserror::Error)]
#[error("the client did not begin as MCP says: {0}")]
pub struct NotServed(String);

/// Serves one client until it goes.
///
/// # Errors
/// [`NotServed`].
pub async fn serve<H: ServerHandler>(
    handler: H,
    (read, write): (impl AsyncRead + Send + Unpin + 'static, impl AsyncWrite + Send + Unpin + 'static),
) -> Result<(), NotServed> {
    let transport =
        AsyncRwTransport::<RoleServer, _, _>::new_server(read, write).with_max_line_length(LINE_BYTES_MAX);
    let serving = handler.serve(transport).await.map_err(|fault| NotServed(fault.to_string()))?;
    // How a client goes is its own affair.
    let _ended = serving.waiting().await;
    Ok(())
}
