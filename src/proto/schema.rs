//! A set of descriptors, and the methods of its services.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use prost_reflect::{DescriptorPool, MessageDescriptor, MethodDescriptor, ServiceDescriptor};

use super::problem::UnknownMethod;

/// The descriptors of services and messages; cheap to clone.
#[derive(Clone)]
pub(crate) struct Schema {
    pub(super) pool: DescriptorPool,
    files: Arc<[PathBuf]>,
}

/// A method of a service.
#[derive(Clone)]
pub(crate) struct Method {
    pub(crate) descriptor: MethodDescriptor,
}

impl Schema {
    pub(crate) fn new(pool: DescriptorPool) -> Self {
        Self::read_from(Vec::new(), pool)
    }

    pub(super) fn read_from(files: Vec<PathBuf>, pool: DescriptorPool) -> Self {
        Self {
            pool,
            files: files.into(),
        }
    }

    /// The files that it was read from, with their imports.
    pub(crate) fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// The schema of serialized file descriptors, which are complete.
    ///
    /// # Errors
    /// The reason why they are no schema.
    pub(crate) fn of_files<'f>(files: impl Iterator<Item = &'f Vec<u8>>) -> Result<Self, String> {
        // A set in the wire format: each file is an element of field 1.
        let mut set = Vec::new();
        for file in files {
            prost::encoding::bytes::encode(1, file, &mut set);
        }
        let pool = DescriptorPool::decode(set.as_slice());
        pool.map(Self::new).map_err(|error| error.to_string())
    }

    /// The method of a service with this full name.
    pub(crate) fn method(&self, service: &str, method: &str) -> Result<Method, UnknownMethod> {
        let Some(found) = self.pool.get_service_by_name(service) else {
            return Err(UnknownMethod::Service(self.services()));
        };
        match found.methods().find(|other| other.name() == method) {
            Some(descriptor) => Ok(Method { descriptor }),
            None => Err(UnknownMethod::Method(method_names(&found))),
        }
    }

    /// The full names of all services.
    pub(crate) fn services(&self) -> Vec<String> {
        let services = self.pool.services();
        services.map(|of| of.full_name().to_owned()).collect()
    }

    /// The services of a file with this name, each with its methods.
    #[cfg(feature = "cli")]
    pub(crate) fn services_of(&self, file: &str) -> Vec<(String, Vec<(String, Method)>)> {
        let services = self.pool.services();
        let services = services.filter(|service| service.parent_file().name() == file);
        let with_methods = services.map(|service| {
            let methods = service.methods().map(|descriptor| {
                let name = descriptor.name().to_owned();
                (name, Method { descriptor })
            });
            (service.full_name().to_owned(), methods.collect())
        });
        with_methods.collect()
    }

    /// The descriptor of a message with this full name.
    pub(crate) fn message(&self, name: &str) -> Option<MessageDescriptor> {
        self.pool.get_message_by_name(name)
    }
}

fn method_names(service: &ServiceDescriptor) -> Vec<String> {
    let methods = service.methods();
    methods.map(|method| method.name().to_owned()).collect()
}

impl Method {
    /// The message that is sent.
    pub(crate) fn input(&self) -> MessageDescriptor {
        self.descriptor.input()
    }

    /// The message that is received.
    pub(crate) fn output(&self) -> MessageDescriptor {
        self.descriptor.output()
    }

    /// Returns `true` if the client sends a stream of messages.
    pub(crate) fn takes_stream(&self) -> bool {
        self.descriptor.is_client_streaming()
    }

    /// Returns `true` if the server sends a stream of messages.
    pub(crate) fn returns_stream(&self) -> bool {
        self.descriptor.is_server_streaming()
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Schema").field(&self.services()).finish()
    }
}
