//! What the user does, from the document's events to messages.
//!
//! One listener for each kind of event, on the root: the tree says what an element reports.

use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{
    DragEvent, Element, Event, File, HtmlInputElement, HtmlSelectElement, HtmlTextAreaElement,
    KeyboardEvent,
};

use super::{dispatch, document, handlers, keep_file, window};
use crate::app::{Action, Msg};
use crate::tree::On;

/// This close to the end counts as the end, in CSS pixels.
const NEAR_END: i32 = 64;

/// Listens, for as long as the page lives.
pub fn listen(root: &Element) {
    on(root, "click", false, clicked);
    on(root, "input", false, typed);
    on(root, "keydown", false, key);
    on(root, "focusout", false, |event| {
        report(&event, |on| on.left.clone())
    });
    on(root, "change", false, file_picked);
    // These two do not bubble.
    on(root, "close", true, |event| {
        report(&event, |on| on.closed.clone())
    });
    on(root, "scroll", true, scrolled);
    let window = window();
    on(&window, "dragover", false, |event| dragged(&event));
    on(&window, "dragleave", false, |event| {
        let leaves = event
            .dyn_ref::<DragEvent>()
            .is_some_and(|e| e.related_target().is_none());
        if leaves {
            dispatch(Msg::FileHovers(false));
        }
    });
    on(&window, "drop", false, |event| dropped(&event));
}

fn on(
    target: &web_sys::EventTarget,
    kind: &str,
    capture: bool,
    listener: impl FnMut(Event) + 'static,
) {
    let listener = Closure::<dyn FnMut(Event)>::new(listener);
    // Fails only for a target that is none.
    let _ = target.add_event_listener_with_callback_and_bool(
        kind,
        listener.as_ref().unchecked_ref(),
        capture,
    );
    listener.forget();
}

/// What the first element, from the target outwards, says to this event.
fn find<T>(event: &Event, pick: impl Fn(&On) -> Option<T>) -> Option<T> {
    let target = event.target()?.dyn_into::<web_sys::Node>().ok()?;
    handlers(&target).iter().find_map(pick)
}

fn report(event: &Event, pick: impl Fn(&On) -> Option<Action>) {
    if let Some(action) = find(event, pick) {
        dispatch(Msg::Pressed(action));
    }
}

fn clicked(event: Event) {
    let Some(action) = find(&event, |on| on.press.clone()) else {
        return;
    };
    let target = event
        .target()
        .and_then(|target| target.dyn_into::<Element>().ok());
    if target.is_some_and(|target| matches!(target.closest("summary"), Ok(Some(_)))) {
        // The state says whether a panel is open, not the browser.
        event.prevent_default();
    }
    dispatch(Msg::Pressed(action));
}

fn typed(event: Event) {
    let Some(field) = find(&event, |on| on.input) else {
        return;
    };
    let Some(target) = event.target() else { return };
    let value = if let Some(input) = target.dyn_ref::<HtmlInputElement>() {
        input.value()
    } else if let Some(area) = target.dyn_ref::<HtmlTextAreaElement>() {
        area.value()
    } else if let Some(select) = target.dyn_ref::<HtmlSelectElement>() {
        select.value()
    } else {
        return;
    };
    dispatch(Msg::Typed(field, value));
}

fn key(event: Event) {
    let Some(key) = event.dyn_ref::<KeyboardEvent>() else {
        return;
    };
    // Enter and Esc belong to the input method while it composes.
    if key.is_composing() || key.key_code() == 229 {
        return;
    }
    let action = match key.key().as_str() {
        "Enter" if !key.shift_key() => find(&event, |on| on.enter.clone()),
        // An open dialog or menu is closed by the browser.
        "Escape" if !overlay_open() => find(&event, |on| on.escape.clone()),
        _ => None,
    };
    if let Some(action) = action {
        event.prevent_default();
        dispatch(Msg::Pressed(action));
    }
}

fn overlay_open() -> bool {
    matches!(
        document().query_selector("dialog[open], [popover]:popover-open"),
        Ok(Some(_))
    )
}

fn scrolled(event: Event) {
    let target = event
        .target()
        .and_then(|target| target.dyn_into::<Element>().ok());
    if let Some(log) = target.filter(|target| target.has_attribute("data-scroll")) {
        let below = log.scroll_height() - log.scroll_top() - log.client_height();
        dispatch(Msg::AtEnd(below < NEAR_END));
    }
}

fn file_picked(event: Event) {
    let input = event
        .target()
        .and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
    let Some(input) = input.filter(|input| input.type_() == "file") else {
        return;
    };
    if let Some(file) = input.files().and_then(|files| files.get(0)) {
        take(file);
    }
    // The same file can be chosen again.
    input.set_value("");
}

fn dragged(event: &Event) {
    let Some(transfer) = event
        .dyn_ref::<DragEvent>()
        .and_then(DragEvent::data_transfer)
    else {
        return;
    };
    if transfer.types().includes(&"Files".into(), 0) {
        event.prevent_default();
        dispatch(Msg::FileHovers(true));
    }
}

fn dropped(event: &Event) {
    let Some(transfer) = event
        .dyn_ref::<DragEvent>()
        .and_then(DragEvent::data_transfer)
    else {
        return;
    };
    if let Some(file) = transfer.files().and_then(|files| files.get(0)) {
        // The browser would leave the page to show the file.
        event.prevent_default();
        take(file);
    } else {
        dispatch(Msg::FileHovers(false));
    }
}

fn take(file: File) {
    let (name, bytes) = (file.name(), file.size() as u64);
    keep_file(file);
    dispatch(Msg::FileChosen { name, bytes });
}
