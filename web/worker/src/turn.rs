//! Giving way to the event loop. A promise that is already resolved goes on before any message
//! is read; a timer waits at least 4 ms after a few rounds; a message to oneself does neither.

use std::{cell::RefCell, collections::VecDeque, rc::Rc};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{MessageChannel, MessagePort};

type Waiting = Rc<RefCell<VecDeque<js_sys::Function>>>;

struct Turns {
    port: MessagePort,
    waiting: Waiting,
    _wake: Closure<dyn FnMut()>,
}

thread_local! {
    static TURNS: Option<Turns> = Turns::new().ok();
}

impl Turns {
    fn new() -> Result<Self, JsValue> {
        let channel = MessageChannel::new()?;
        let waiting = Waiting::default();
        let queue = Rc::clone(&waiting);
        let wake = Closure::new(move || {
            let next = queue.borrow_mut().pop_front();
            if let Some(resolve) = next {
                // A promise's resolve function throws nothing.
                let _ = resolve.call0(&JsValue::UNDEFINED);
            }
        });
        channel
            .port1()
            .set_onmessage(Some(wake.as_ref().unchecked_ref()));
        Ok(Self {
            port: channel.port2(),
            waiting,
            _wake: wake,
        })
    }
}

/// Goes on after the messages that are waiting now have been read.
pub async fn turn() {
    let promise = TURNS.with(|turns| {
        let turns = turns.as_ref()?;
        let promise = js_sys::Promise::new(&mut |resolve, _| {
            turns.waiting.borrow_mut().push_back(resolve);
        });
        turns.port.post_message(&JsValue::NULL).ok()?;
        Some(promise)
    });
    if let Some(promise) = promise {
        // It only ever resolves.
        let _ = JsFuture::from(promise).await;
    }
}
