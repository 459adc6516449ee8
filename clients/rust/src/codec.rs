//! Requests on their way to the wire: a change that carries no request id gets one.

use std::marker::PhantomData;

use prost::Message;
use tonic::Status;
use tonic::codec::{Codec as TonicCodec, EncodeBuf, Encoder};
use tonic_prost::{ProstDecoder, ProstEncoder};
use uuid::Uuid;

/// What the calls of a service send; the generated code says it of every request.
pub(crate) trait Request {
    /// Where the request keeps its id; None if it is no change.
    fn request_id(&mut self) -> Option<&mut String>;
}

/// Gives a change an id of its own, unless it has one.
pub(crate) fn identify(request: &mut impl Request) {
    if let Some(id) = request.request_id()
        && id.is_empty()
    {
        *id = Uuid::new_v4().to_string();
    }
}

/// The codec of all generated clients. Below it nothing changes a message: it is repeated as it was encoded.
#[derive(Debug)]
pub(crate) struct Codec<T, U>(PhantomData<fn(T) -> U>);

impl<T, U> Default for Codec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> TonicCodec for Codec<T, U>
where
    T: Request + Message + 'static,
    U: Message + Default + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = IdentifyingEncoder<T>;
    type Decoder = ProstDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        IdentifyingEncoder(ProstEncoder::default())
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstDecoder::default()
    }
}

#[derive(Debug)]
pub(crate) struct IdentifyingEncoder<T>(ProstEncoder<T>);

impl<T: Request + Message> Encoder for IdentifyingEncoder<T> {
    type Item = T;
    type Error = Status;

    fn encode(&mut self, mut request: T, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        identify(&mut request);
        self.0.encode(request, buffer)
    }
}
