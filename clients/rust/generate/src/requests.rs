//! The clients of the services, and what they need to know of their requests.

use std::collections::HashSet;

use prost_build::{Service, ServiceGenerator};
use prost_types::FileDescriptorProto;

/// Writes the clients that tonic writes, and `codec::Request` for each of their requests.
pub struct Clients {
    tonic: Box<dyn ServiceGenerator>,
    identified: HashSet<String>,
}

impl Clients {
    /// `files` has to hold every message of the services, with their paths as protoc gives them.
    pub fn new(files: &[FileDescriptorProto]) -> Self {
        let identified = files
            .iter()
            .flat_map(|file| file.message_type.iter().map(move |message| (file.package(), message)))
            .filter(|(_, message)| message.field.iter().any(|field| field.name() == "request_id"))
            .map(|(package, message)| format!(".{package}.{}", message.name()))
            .collect();
        let tonic = tonic_prost_build::configure()
            .build_server(false)
            .build_transport(false)
            .codec_path("crate::codec::Codec")
            .service_generator();
        Self { tonic, identified }
    }
}

impl ServiceGenerator for Clients {
    fn generate(&mut self, service: Service, code: &mut String) {
        for method in &service.methods {
            let id = match self.identified.contains(&method.input_proto_type) {
                true => "Some(&mut self.request_id)",
                false => "None",
            };
            code.push_str(&format!(
                "impl crate::codec::Request for {} {{ fn request_id(&mut self) -> Option<&mut String> {{ {id} }} }}\n",
                method.input_type,
            ));
        }
        self.tonic.generate(service, code);
    }
}
