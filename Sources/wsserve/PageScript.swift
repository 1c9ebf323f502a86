// SPDX-License-Identifier: Apache-2.0

extension Page {
    /// What the page does. Raw, for JavaScript has backslashes of its own.
    static let script = #"""
        "use strict";
        const $ = id => document.getElementById(id);
        const LOG_LINES_MAX = 500, PREVIEW_MAX = 400, HEX_MAX = 24;
        const MEANINGS = {
          1000: "normal closure", 1001: "going away", 1002: "protocol error",
          1003: "unsupported data", 1005: "no code given", 1006: "connection lost",
          1007: "invalid payload", 1008: "policy violation", 1009: "message too big",
          1010: "mandatory extension", 1011: "internal error", 1012: "service restart",
          1013: "try again later", 1014: "bad gateway", 1015: "TLS handshake failed",
        };
        const number = new Intl.NumberFormat("en");
        const count = (n, word) => `${number.format(n)} ${word}${n === 1 ? "" : "s"}`;
        const milliseconds = t => t < 9.995 ? t.toFixed(t < 0.9995 ? 3 : 2) : t.toFixed(1);

        let socket = null;         // the connection, from Connect until it has closed
        let trips = null;          // the measurement under way
        let openedAt = 0;
        let waiting = [];          // when each message whose echo is still to come was sent
        const totals = { sent: [0, 0], received: [0, 0] };

        // --- log -----------------------------------------------------------------------------

        function log(direction, what, { kind = "", note = "", failure = false } = {}) {
          const list = $("log"), item = document.createElement("li");
          const follows = list.scrollTop + list.clientHeight >= list.scrollHeight - 30;
          item.className = direction + (failure ? " failure" : "");
          const add = (tag, name, text) => {
            const element = document.createElement(tag);
            element.className = name;
            element.textContent = text;
            item.append(element);
            return element;
          };
          const now = new Date();
          add("time", "", now.toTimeString().slice(0, 8) +
            "." + String(now.getMilliseconds()).padStart(3, "0"));
          const way = add("span", "way", { sent: "↑", received: "↓", event: "·" }[direction]);
          way.setAttribute("aria-hidden", "true");
          const text = add("span", "what", "");
          if (direction !== "event") {
            const spoken = document.createElement("span");
            spoken.className = "hidden";
            spoken.textContent = direction + " ";
            text.append(spoken);
          }
          if (kind) {
            const label = document.createElement("span");
            label.className = "kind";
            label.textContent = kind;
            text.append(label);
          }
          text.append(what);
          add("span", "note", note);
          list.append(item);
          while (list.childElementCount > LOG_LINES_MAX) list.firstElementChild.remove();
          if (follows) list.scrollTop = list.scrollHeight;
        }

        function preview(data) {
          if (typeof data === "string") {
            return data.length > PREVIEW_MAX ? data.slice(0, PREVIEW_MAX) + "…" : data;
          }
          const octets = new Uint8Array(data, 0, Math.min(HEX_MAX, data.byteLength));
          const hex = Array.from(octets, o => o.toString(16).padStart(2, "0")).join(" ");
          return data.byteLength > HEX_MAX ? hex + " …" : hex;
        }

        const encoder = new TextEncoder();
        const sizeOf = data =>
          typeof data === "string" ? encoder.encode(data).length : data.byteLength;

        function tally(direction, data, note) {
          const size = sizeOf(data), total = totals[direction];
          total[0] += 1;
          total[1] += size;
          showTotals();
          const kind = (size ? "" : "empty ") + (typeof data === "string" ? "" : "binary ");
          const notes = count(size, "octet") + (note ? ` · ${note}` : "");
          log(direction, preview(data), { kind, note: notes });
        }

        function showTotals() {
          for (const [direction, [messages, octets]] of Object.entries(totals)) {
            const small = document.createElement("small");
            small.textContent = count(octets, "octet");
            $(direction + "-total").replaceChildren(number.format(messages) + " ", small);
          }
        }

        // --- connection ----------------------------------------------------------------------

        function show(state, text) {
          $("state").dataset.state = state;
          $("state").textContent = text;
          const open = state === "open";
          $("connect").textContent = socket ? (open ? "Disconnect" : "Cancel") : "Connect";
          $("url").disabled = socket !== null;
          for (const id of ["send-text", "send-binary", "send-random"]) {
            $(id).disabled = !open || trips !== null;
          }
          $("measure").disabled = !open;
          $("measure").textContent = trips ? "Stop" : "Measure";
        }

        function connect() {
          const url = $("url").value.trim();
          let made;
          try {
            made = new WebSocket(url);
          } catch (error) {
            log("event", `cannot connect: ${error.message}`, { failure: true });
            return show("failed", "Not an address");
          }
          socket = made;
          socket.binaryType = "arraybuffer";
          waiting = [];
          show("waiting", "Connecting…");
          const startedAt = performance.now();
          made.onopen = () => {
            openedAt = performance.now();
            show("open", "Connected");
            log("event", `connected to ${url}`,
              { note: `${milliseconds(openedAt - startedAt)} ms` });
          };
          made.onmessage = ({ data }) => {
            if (trips) return trips.arrived(data);
            const sentAt = waiting.shift();
            const trip = sentAt === undefined
              ? "" : `${milliseconds(performance.now() - sentAt)} ms`;
            tally("received", data, trip);
          };
          made.onclose = ({ code, reason, wasClean }) => {
            if (trips) trips.end();
            const wasOpen = openedAt > 0;
            socket = null;
            openedAt = 0;
            const meaning = MEANINGS[code] ? ` ${MEANINGS[code]}` : "";
            const good = wasClean && code === 1000;
            const line = wasOpen
              ? `closed with ${code}${meaning}${reason ? `: ${reason}` : ""}`
              : `cannot connect to ${url}`;
            log("event", line, { failure: !good });
            show(good ? "closed" : "failed",
              wasOpen ? `Closed · ${code}${meaning}` : "Cannot connect");
            tick();
          };
        }

        function disconnect() {
          show("waiting", "Closing…");
          socket.close(1000);
        }

        function tick() {
          if (!openedAt) return $("open-for").textContent = "–";
          const s = Math.floor((performance.now() - openedAt) / 1000);
          const two = n => String(n).padStart(2, "0");
          $("open-for").textContent = s < 3600
            ? `${Math.floor(s / 60)}:${two(s % 60)}`
            : `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
        }

        // --- send ----------------------------------------------------------------------------

        function send(data) {
          if (!socket || socket.readyState !== WebSocket.OPEN || trips) return;
          waiting.push(performance.now());
          socket.send(data);
          tally("sent", data, "");
        }

        function randomOctets(size) {
          const octets = new Uint8Array(size);
          // Asks are limited to 65,536 octets each.
          for (let at = 0; at < size; at += 65536) {
            crypto.getRandomValues(octets.subarray(at, Math.min(size, at + 65536)));
          }
          return octets.buffer;
        }

        // --- round trips ---------------------------------------------------------------------

        function measure() {
          const wanted = Number($("trip-count").value);
          const payload = randomOctets(Number($("trip-size").value));
          const times = [];
          let sentAt = 0, drawnAt = 0;
          const next = () => {
            sentAt = performance.now();
            socket.send(payload);
          };
          trips = {
            arrived() {
              const now = performance.now();
              times.push(now - sentAt);
              if (now - drawnAt > 100 && times.length < wanted) {
                drawnAt = now;
                summarise(times);
              }
              if (times.length < wanted && trips) next(); else if (trips) trips.end();
            },
            stop() {
              // The echo that is still under way ends it, so that no later message meets it.
              this.arrived = () => this.end();
            },
            end() {
              trips = null;
              const { median, p99 } = summarise(times);
              if (times.length) {
                log("event", `${count(times.length, "round trip")} of ` +
                  `${count(payload.byteLength, "octet")}: median ${milliseconds(median)} ms, ` +
                  `p99 ${milliseconds(p99)} ms`);
              }
              if (socket) show("open", "Connected");
            },
          };
          show("open", "Measuring…");
          next();
        }

        function summarise(times) {
          const sorted = Float64Array.from(times).sort(), n = sorted.length;
          // The nearest rank: the smallest time that so many per cent do not exceed.
          const rank = share => sorted[Math.max(0, Math.ceil(share * n) - 1)];
          const figures = { n, min: sorted[0], median: rank(0.5), p99: rank(0.99) };
          $("trip-n").textContent = number.format(n);
          for (const name of ["min", "median", "p99"]) {
            $("trip-" + name).textContent = n ? `${milliseconds(figures[name])} ms` : "–";
          }
          if (n) draw(sorted, figures);
          return figures;
        }

        /// A histogram from the least time to a little above the 99th percentile; what is slower
        /// stands in the last bar.
        function draw(sorted, { n, min, median, p99 }) {
          const bars = 50, width = 400, floor = 88, top = 18;
          const end = Math.max(p99 + (p99 - min) * 0.12, min + 0.02);
          const at = t => Math.min(1, (t - min) / (end - min)) * width;
          const tally = new Array(bars).fill(0);
          for (const t of sorted) {
            tally[Math.min(bars - 1, Math.floor(at(t) / width * bars))] += 1;
          }
          const most = Math.max(...tally);
          const chart = $("chart");
          chart.replaceChildren();
          const add = (name, attributes, text = "") => {
            const element = document.createElementNS("http://www.w3.org/2000/svg", name);
            for (const [key, value] of Object.entries(attributes)) {
              element.setAttribute(key, value);
            }
            element.textContent = text;
            chart.append(element);
          };
          tally.forEach((many, i) => {
            if (!many) return;
            const height = Math.max(1.5, many / most * (floor - top));
            add("rect", { x: i * width / bars + 0.5, width: width / bars - 1, y: floor - height,
              height, rx: 1 });
          });
          add("line", { x1: 0, x2: width, y1: floor + 0.5, y2: floor + 0.5 });
          const mark = (name, t, label) => {
            const x = Math.min(width - 1, Math.max(1, at(t)));
            add("line", { class: name, x1: x, x2: x, y1: top - 4, y2: floor });
            add("text", { x: Math.min(width - 34, Math.max(34, x)), y: 10,
              "text-anchor": "middle" }, label);
          };
          if (at(p99) - at(median) > 70) mark("p99", p99, "p99");
          mark("median", median, "median");
          add("text", { x: 0, y: 104 }, `${milliseconds(min)} ms`);
          add("text", { x: width, y: 104, "text-anchor": "end" }, `${milliseconds(end)} ms and up`);
          chart.setAttribute("aria-label",
            `Distribution of ${number.format(n)} round-trip times: ` +
            `least ${milliseconds(min)}, median ${milliseconds(median)}, ` +
            `99th percentile ${milliseconds(p99)} milliseconds`);
        }

        // --- wiring --------------------------------------------------------------------------

        $("connection").onsubmit = event => {
          event.preventDefault();
          if (socket) disconnect(); else connect();
        };
        $("send").onsubmit = event => {
          event.preventDefault();
          send($("message").value);
          $("message").select();
        };
        $("message").onkeydown = event => {
          if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
            event.preventDefault();
            if (!$("send-text").disabled) $("send").requestSubmit();
          }
        };
        $("send-binary").onclick = () => send(encoder.encode($("message").value).buffer);
        $("send-random").onclick = () => send(randomOctets(Number($("random-size").value)));
        $("trips").onsubmit = event => {
          event.preventDefault();
          if (trips) trips.stop(); else if (socket) measure();
        };
        $("clear").onclick = () => $("log").replaceChildren();
        $("url").value = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/echo`;
        setInterval(tick, 500);
        connect();
        """#
}
