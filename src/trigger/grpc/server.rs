//! Asks servers for their schemas, once in a session.

use super::reflection::{FileSet, Reflection};
use super::schemas::key;
use crate::proto::{Detail, Schema, UnknownMethod, details};
use crate::spec::GrpcCall;
use crate::trigger::{Session, TriggerError};

/// The schema of the service that is called. Requests of one session ask one after the other.
pub(super) async fn of_server(call: &GrpcCall, session: &Session) -> Result<Schema, TriggerError> {
    let key = key(call, &call.service);
    let mut known = session.schemas().lock().await;
    if let Some(schema) = known.get(&key) {
        return Ok(schema.clone());
    }
    let (reflection, files) = Reflection::files(call, session, &call.service).await?;
    let Some(files) = files else {
        let unknown = UnknownMethod::Service(reflection.services().await?);
        return Err(TriggerError::spec(call.unknown_method(&unknown)));
    };
    let schema = schema(call, files)?;
    known.insert(key, schema.clone());
    Ok(schema)
}

/// A schema that has the types of these details too, as far as the server knows them.
pub(super) async fn with_details(
    call: &GrpcCall,
    session: &Session,
    schema: &Schema,
    bytes: &[u8],
) -> Schema {
    let details = details(bytes, schema).unwrap_or_default();
    let unknown = details.into_iter().find_map(|detail| match detail {
        Detail::Unknown { name, .. } => Some(name),
        Detail::Decoded(_) => None,
    });
    let Some(name) = unknown else {
        return schema.clone();
    };
    let key = key(call, &name);
    let mut known = session.schemas().lock().await;
    if let Some(schema) = known.get(&key) {
        return schema.clone();
    }
    let found = match Reflection::files(call, session, &name).await {
        Ok((_, Some(files))) => self::schema(call, files).ok(),
        _ => None,
    };
    let found = found.unwrap_or_else(|| schema.clone());
    known.insert(key, found.clone());
    found
}

fn schema(call: &GrpcCall, files: FileSet) -> Result<Schema, TriggerError> {
    let broken = |reason: String| TriggerError::Reflection {
        server: call.server.to_string(),
        reason,
    };
    Schema::of_files(files.values()).map_err(broken)
}
