//! What the scheduler knows of a teacher.

use crate::{Fault, Reply, Request};

/// A teacher: a server far away, or a model in this process.
///
/// Called from several threads at once, as many as its seat has workers. A call blocks until the
/// reply is whole.
pub trait Backend: Send + Sync {
    /// Asks for `request.samples` replies. The scheduler asks for one at a time: `request.id` is
    /// then the unit's name and `request.sampling.seed` the unit's seed.
    ///
    /// # Errors
    /// A [`Fault`], whose [`Fault::blame`] decides what happens to the request and the teacher.
    fn complete(&self, request: &Request) -> Result<Vec<Reply>, Fault>;
}

impl<B: Backend + ?Sized> Backend for Box<B> {
    fn complete(&self, request: &Request) -> Result<Vec<Reply>, Fault> {
        (**self).complete(request)
    }
}

impl<B: Backend + ?Sized> Backend for &B {
    fn complete(&self, request: &Request) -> Result<Vec<Reply>, Fault> {
        (**self).complete(request)
    }
}
