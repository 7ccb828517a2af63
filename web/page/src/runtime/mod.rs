//! The page in a browser: holds the state, shows it at most once per frame, and connects it to
//! the document, the worker and what the browser keeps.

mod database;
mod effects;
mod events;
mod patch;
mod worker;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use retort_protocol::Request;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Document, File, HtmlElement, Window};

use crate::app::{App, Effect, Moment, Msg};
use crate::tree::On;
use crate::view::view;
use patch::Live;
use worker::Link;

/// Milliseconds of a frame that Markdown may take before the rest waits for the next one.
const RENDER_TIME: f64 = 6.0;

/// A frame that took longer than this is followed by a pause of the same length, so that the page
/// answers the user even where it is slow.
const LONG_FRAME: f64 = 10.0;

/// Everything that lives as long as the page.
struct Page {
    app: App,
    live: Live,
    link: Option<Link>,
    /// The file chosen last.
    file: Option<File>,
    /// To be done once the next frame is on the screen.
    focus: Option<&'static str>,
    scroll: bool,
    /// No frame before this time.
    rest_until: f64,
}

thread_local! {
    static PAGE: RefCell<Option<Page>> = const { RefCell::new(None) };
    /// Messages wait here while one is dealt with: patching may cause events of its own.
    static WAITING: RefCell<VecDeque<Msg>> = const { RefCell::new(VecDeque::new()) };
    static BUSY: Cell<bool> = const { Cell::new(false) };
    static FRAME_ASKED: Cell<bool> = const { Cell::new(false) };
}

/// Puts the page into the document and starts everything.
pub fn start() {
    std::panic::set_hook(Box::new(|info| {
        console_error_panic_hook::hook(info);
        crashed();
    }));
    let document = document();
    let root = document
        .get_element_by_id("page")
        .or_else(|| document.body().map(Into::into));
    let Some(root) = root else { return };
    let (app, effects) = App::start(effects::read_settings(), moment());
    let live = Live::new(&document, &view(&app));
    root.set_text_content(None);
    // Fails only if the root may not have children.
    let _ = root.append_child(&live.dom);
    PAGE.set(Some(Page {
        app,
        live,
        link: None,
        file: None,
        focus: None,
        scroll: false,
        rest_until: 0.0,
    }));
    events::listen(&root);
    for effect in effects {
        carry_out(effect);
    }
    effects::read_students();
    effects::read_chats();
    every_second();
}

/// Takes a message in, now or after the one being dealt with.
pub fn dispatch(msg: Msg) {
    WAITING.with_borrow_mut(|waiting| waiting.push_back(msg));
    work_off();
}

fn work_off() {
    if BUSY.replace(true) {
        return;
    }
    while let Some(msg) = WAITING.with_borrow_mut(VecDeque::pop_front) {
        let moment = moment();
        let effects = PAGE.with_borrow_mut(|page| match page {
            Some(page) => page.app.update(msg, moment),
            None => Vec::new(),
        });
        for effect in effects {
            carry_out(effect);
        }
    }
    BUSY.set(false);
    ask_for_frame();
}

/// What the elements from `target` outwards report.
fn handlers(target: &web_sys::Node) -> Vec<On> {
    // Events that patching causes come while the page is borrowed; none of them is the user's.
    PAGE.with(|page| match page.try_borrow() {
        Ok(page) => page
            .as_ref()
            .map(|page| page.live.handlers(target))
            .unwrap_or_default(),
        Err(_) => Vec::new(),
    })
}

fn keep_file(file: File) {
    with_page(|page| page.file = Some(file));
}

fn with_page(change: impl FnOnce(&mut Page)) {
    PAGE.with_borrow_mut(|page| page.as_mut().map(change));
}

fn carry_out(effect: Effect) {
    match effect {
        Effect::StartWorker => {
            // The old one ends before the new one asks for the device and the store.
            with_page(|page| page.link = None);
            match Link::start() {
                Ok(link) => with_page(|page| page.link = Some(link)),
                Err(error) => dispatch(Msg::WorkerFailed(format!(
                    "The browser started no worker: {error:?}"
                ))),
            }
        }
        Effect::Send(request) => send(request),
        Effect::SendDownload(student) => {
            effects::persist_then(move || send(Request::Download { student: *student }));
        }
        Effect::Focus(name) => with_page(|page| page.focus = Some(name)),
        Effect::ScrollToEnd => with_page(|page| page.scroll = true),
        other => effects::run(other),
    }
}

fn send(request: Request) {
    with_page(|page| {
        let file = match &request {
            Request::Download { student } => page
                .file
                .as_ref()
                .filter(|file| effects::is_file(student, Some(file))),
            _ => None,
        };
        if let Some(link) = &page.link {
            link.send(&request, file);
        }
    });
}

fn ask_for_frame() {
    if FRAME_ASKED.replace(true) {
        return;
    }
    let frame = Closure::once_into_js(frame);
    // Fails only for something that is no function.
    let _ = window().request_animation_frame(frame.unchecked_ref());
}

/// Shows the state.
fn frame() {
    FRAME_ASKED.set(false);
    let began = performance_now();
    // Messages that patching causes wait until the page is free again.
    BUSY.set(true);
    let again = PAGE.with_borrow_mut(|page| {
        let Some(page) = page else { return false };
        if began < page.rest_until {
            return true;
        }
        let complete = page.show(began);
        let took = performance_now() - began;
        if took > LONG_FRAME {
            page.rest_until = began + 2.0 * took;
        }
        !complete
    });
    BUSY.set(false);
    if WAITING.with_borrow(|waiting| !waiting.is_empty()) {
        work_off();
    }
    if again {
        ask_for_frame();
    }
}

impl Page {
    /// Returns whether all there is to show is shown.
    fn show(&mut self, began: f64) -> bool {
        let App { chat, running, .. } = &mut self.app;
        let complete = chat.render(running.as_ref(), || performance_now() - began < RENDER_TIME);
        let document = document();
        self.live.patch(&document, &view(&self.app));
        let follows = self.app.at_end && (self.app.running.is_some() || !complete);
        if (self.scroll || follows)
            && let Ok(Some(log)) = document.query_selector("[data-scroll]")
        {
            log.set_scroll_top(log.scroll_height());
            self.scroll = false;
        }
        if let Some(name) = self.focus.take() {
            focus(&document, name);
        }
        complete
    }
}

fn focus(document: &Document, name: &str) {
    // On a touch screen the keyboard would cover what the user has just asked to see.
    let touch = matches!(window().match_media("(pointer: coarse)"), Ok(Some(m)) if m.matches());
    if touch && name == "draft" {
        return;
    }
    let found = document
        .query_selector(&format!("[data-testid={name}]"))
        .ok()
        .flatten();
    if let Some(element) = found.and_then(|found| found.dyn_into::<HtmlElement>().ok()) {
        // Fails only for elements that take no focus.
        let _ = element.focus();
    }
}

fn every_second() {
    let tick = Closure::<dyn FnMut()>::new(|| {
        let wanted = PAGE.with(|page| {
            page.try_borrow()
                .is_ok_and(|page| page.as_ref().is_some_and(|p| p.app.wants_ticks()))
        });
        if wanted {
            dispatch(Msg::Tick);
        }
    });
    // Fails only for something that is no function.
    let _ = window().set_interval_with_callback_and_timeout_and_arguments_0(
        tick.as_ref().unchecked_ref(),
        1000,
    );
    tick.forget();
}

/// Says so where the page itself has panicked; wasm cannot go on after that.
fn crashed() {
    let words = "The page has broken down. Conversations are kept: reload it to go on.";
    if let Some(body) = document().body()
        && let Ok(note) = document().create_element("p")
    {
        let _ = note.set_attribute("class", "crash");
        let _ = note.set_attribute("role", "alert");
        let _ = note.set_attribute("data-testid", "crash");
        note.set_text_content(Some(words));
        let _ = body.append_child(&note);
    }
}

fn moment() -> Moment {
    // A random number of 53 bits, all that a float of JavaScript holds.
    let random = (js_sys::Math::random() * 9_007_199_254_740_992.0) as u64;
    Moment {
        now: js_sys::Date::now(),
        random,
    }
}

fn performance_now() -> f64 {
    window()
        .performance()
        .map_or_else(js_sys::Date::now, |clock| clock.now())
}

fn window() -> Window {
    web_sys::window().expect("the page runs in a window")
}

fn document() -> Document {
    window().document().expect("a window has a document")
}
