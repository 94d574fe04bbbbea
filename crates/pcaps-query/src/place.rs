//! Where a data set is, to a cluster.

use crate::{Error, ErrorKind};

/// A data set's place as a cluster is told of it: a URI as it is, a folder with its whole path.
pub(crate) fn told(from: &str) -> Result<String, Error> {
    if let Some((_, rest)) = from.split_once("://") {
        let authority = rest.split('/').next().unwrap_or_default();
        if rest.contains('?') || authority.contains('@') {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "the URI of a data set has neither user nor query here: the engine has credentials of its own",
            ));
        }
        return Ok(from.to_owned());
    }
    let path = std::path::absolute(from).map_err(|error| {
        Error::new(
            ErrorKind::InvalidInput,
            format!("the data set `{from}` cannot be used: {error}"),
        )
    })?;
    Ok(path.display().to_string())
}
