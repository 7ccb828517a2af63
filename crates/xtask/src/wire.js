// Put before the page's own scripts: keeps what passes between the page and its worker, and lets
// a driver take the page's place. The messages are those of web/protocol.
(() => {
  const wire = {
    worker: null,
    // Replies since the last request, except progress and tokens.
    replies: [],
    // When the last reply of each kind came, in milliseconds since the page was opened.
    at: {},
    // The reply under way: tokens of the prompt read, its text, and the figures that end it.
    chat: null,
    // Figures of the last reply that ended, whoever asked.
    stats: null,
    // Longest time in milliseconds that the page did not come to run anything.
    stall: 0,

    send(request) {
      wire.replies = [];
      if (request.Chat) wire.chat = { read: 0, thought: '', answer: '', stats: null };
      wire.worker.postMessage(request);
    },

    // Ends the reply under way; `chat.stopped` is then how many milliseconds that took.
    stop() {
      wire.chat.stopping = performance.now();
      wire.worker.postMessage('Stop');
    },

    // The last reply of this kind; a failure counts for any.
    got(kind) {
      return wire.replies.find(reply => reply.Error || (reply === kind || reply[kind])) ?? null;
    },

    takeStall() {
      const stall = wire.stall;
      wire.stall = 0;
      return stall;
    },
  };

  function take(reply) {
    const event = reply.Chat?.event;
    wire.stats = event?.Done ?? wire.stats;
    if (event && wire.chat) {
      wire.chat.read = event.Prefill?.done ?? wire.chat.read;
      wire.chat.thought += event.Thought?.text ?? '';
      wire.chat.answer += event.Answer?.text ?? '';
      wire.chat.stats ??= event.Done ?? null;
      if (event.Done) wire.chat.stopped = performance.now() - wire.chat.stopping;
    } else if (!event && !reply.Load && !reply.Download) {
      wire.replies.push(reply);
      wire.at[typeof reply === 'string' ? reply : Object.keys(reply)[0]] = performance.now();
    }
  }

  const Real = window.Worker;
  window.Worker = class extends Real {
    constructor(...parts) {
      super(...parts);
      wire.worker = this;
      wire.replies = [];
      this.addEventListener('message', message => take(message.data));
    }
  };

  let last = performance.now();
  setInterval(() => {
    const now = performance.now();
    wire.stall = Math.max(wire.stall, now - last);
    last = now;
  }, 5);

  window.wire = wire;
})();
