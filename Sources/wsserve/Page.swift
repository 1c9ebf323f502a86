// SPDX-License-Identifier: Apache-2.0

/// The web page at `/`, which talks to `/echo`: one document, nothing fetched from outside.
enum Page {
    /// The whole document.
    static let html = """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>swift-ws echo</title>
        <link rel="icon" href="data:image/svg+xml,\(icon)">
        <style>
        \(style)
        </style>
        </head>
        \(body)
        <script>
        \(script)
        </script>
        </html>

        """

    /// An SVG image, percent-encoded where a URL needs it: one arrow there, one back.
    private static let icon = """
        %3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E\
        %3Crect width='32' height='32' rx='8' fill='%23c2410c'/%3E\
        %3Cpath d='M7 12h15l-4-4M25 20H10l4 4' fill='none' stroke='white' stroke-width='3' \
        stroke-linecap='round' stroke-linejoin='round'/%3E%3C/svg%3E
        """

    private static let body = """
        <body>
        <header>
          <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
            <rect width="32" height="32" rx="8"/>
            <path d="M7 12h15l-4-4M25 20H10l4 4"/>
          </svg>
          <div class="title">
            <h1>swift-ws</h1>
            <p>Whatever you send to <code>/echo</code> comes back.</p>
          </div>
          <p class="state" id="state" data-state="closed" role="status">Not connected</p>
        </header>

        <main>
          <div class="controls">
            <section class="card" aria-labelledby="connection-heading">
              <h2 id="connection-heading">Connection</h2>
              <form id="connection">
                <label for="url">Address</label>
                <div class="row">
                  <input id="url" class="grow" type="url" spellcheck="false"
                    autocomplete="off" autocapitalize="off" required>
                  <button id="connect" class="primary" type="submit">Connect</button>
                </div>
              </form>
              <dl class="totals">
                <div><dt>Sent</dt><dd id="sent-total">0</dd></div>
                <div><dt>Received</dt><dd id="received-total">0</dd></div>
                <div><dt>Open for</dt><dd id="open-for">–</dd></div>
              </dl>
            </section>

            <section class="card" aria-labelledby="send-heading">
              <h2 id="send-heading">Send</h2>
              <form id="send">
                <label for="message">Message</label>
                <textarea id="message" rows="3" placeholder="Hello, 世界"
                  aria-describedby="send-hint"></textarea>
                <div class="row">
                  <button id="send-text" class="primary" type="submit">Send text</button>
                  <button id="send-binary" type="button">Send as binary</button>
                  <span class="hint" id="send-hint">Enter sends it too</span>
                </div>
              </form>
              <div class="row divided">
                <label class="inline" for="random-size">Random octets</label>
                <select id="random-size">
                  <option value="0">0</option>
                  <option value="125">125</option>
                  <option value="126">126</option>
                  <option value="1024" selected>1,024</option>
                  <option value="65535">65,535</option>
                  <option value="65536">65,536</option>
                  <option value="1048576">1,048,576</option>
                </select>
                <button id="send-random" type="button">Send binary</button>
              </div>
            </section>

            <section class="card" aria-labelledby="trips-heading">
              <h2 id="trips-heading">Round trips</h2>
              <form id="trips" class="row">
                <label class="inline" for="trip-count">Count</label>
                <select id="trip-count">
                  <option>100</option>
                  <option selected value="1000">1,000</option>
                  <option value="10000">10,000</option>
                </select>
                <label class="inline" for="trip-size">of octets</label>
                <select id="trip-size">
                  <option>32</option>
                  <option value="1024">1,024</option>
                  <option value="16384">16,384</option>
                </select>
                <button id="measure" class="primary push" type="submit">Measure</button>
              </form>
              <dl class="figures" aria-live="polite">
                <div><dt>n</dt><dd id="trip-n">–</dd></div>
                <div><dt>min</dt><dd id="trip-min">–</dd></div>
                <div><dt>median</dt><dd id="trip-median">–</dd></div>
                <div><dt>p99</dt><dd id="trip-p99">–</dd></div>
              </dl>
              <svg id="chart" class="chart" viewBox="0 0 400 110" role="img"
                aria-label="Distribution of round-trip times: not measured yet">
                <text class="empty" x="200" y="58" text-anchor="middle">One message at a time,
                  there and back</text>
              </svg>
            </section>
          </div>

          <section class="card log-card" aria-labelledby="log-heading">
            <div class="row heading">
              <h2 id="log-heading">Log</h2>
              <button id="clear" class="quiet push" type="button">Clear</button>
            </div>
            <ol id="log" class="log" role="log" aria-labelledby="log-heading" tabindex="0"></ol>
          </section>
        </main>
        <noscript><p class="noscript">This page talks through JavaScript; without it, point any
          WebSocket client at <code>/echo</code>.</p></noscript>
        </body>
        """
}
