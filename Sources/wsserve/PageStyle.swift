// SPDX-License-Identifier: Apache-2.0

extension Page {
    /// Light and dark as the reader's system has it; one column on a telephone, two on a desk.
    static let style = """
        :root {
          --ground: #f4f5f7; --card: #fff; --ink: #1b2230; --soft: #5b6576; --line: #dce0e6;
          --field: #fff; --accent: #c2410c; --on-accent: #fff; --accent-hover: #9a3412;
          --sent: #c2410c; --received: #0f766e; --good: #15803d; --wait: #a16207; --bad: #b91c1c;
          --bar: #f0a788; --hover: #eef0f3;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --ground: #0e1217; --card: #161c24; --ink: #e6eaf0; --soft: #9aa5b5; --line: #2a323d;
            --field: #0e1217; --accent: #fb8a5c; --on-accent: #1d0f08; --accent-hover: #fda57f;
            --sent: #fb8a5c; --received: #4fd1c0; --good: #4ade80; --wait: #facc15;
            --bad: #f87171; --bar: #8a4a30; --hover: #202832;
          }
        }
        * { box-sizing: border-box; }
        html { color-scheme: light dark; }
        body {
          margin: 0; background: var(--ground); color: var(--ink); line-height: 1.45;
          font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans",
            sans-serif;
          min-height: 100vh; display: flex; flex-direction: column;
        }
        code, input, textarea, .log, .figures dd, .totals dd {
          font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono",
            monospace;
        }
        header, main { width: 100%; max-width: 1180px; margin: 0 auto; padding: 0 20px; }
        header { display: flex; align-items: center; gap: 14px; padding-top: 20px; }
        h1 { font-size: 21px; line-height: 1.2; margin: 0; letter-spacing: -.01em; }
        h2 { font-size: 15px; margin: 0 0 12px; }
        .title p { margin: 1px 0 0; color: var(--soft); }
        .mark { width: 42px; height: 42px; flex: none; }
        .mark rect { fill: var(--accent); }
        .mark path {
          fill: none; stroke: var(--on-accent); stroke-width: 2.6;
          stroke-linecap: round; stroke-linejoin: round;
        }
        .state {
          margin: 0 0 0 auto; padding: 6px 14px 6px 12px; border: 1px solid var(--line);
          border-radius: 999px; background: var(--card); font-weight: 600; text-align: right;
        }
        .state::before {
          content: ""; display: inline-block; width: 9px; height: 9px; border-radius: 50%;
          margin-right: 8px; background: var(--soft);
        }
        .state[data-state=open]::before { background: var(--good); }
        .state[data-state=waiting]::before { background: var(--wait); }
        .state[data-state=failed]::before { background: var(--bad); }
        main {
          display: grid; grid-template-columns: 430px minmax(0, 1fr); gap: 16px;
          padding-top: 18px; padding-bottom: 24px; flex: 1;
        }
        .controls { display: grid; gap: 16px; align-content: start; min-width: 0; }
        .card {
          background: var(--card); border: 1px solid var(--line); border-radius: 12px;
          padding: 16px; min-width: 0;
        }
        label { display: block; font-size: 13px; color: var(--soft); margin-bottom: 4px; }
        label.inline { margin: 0; }
        .row { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; }
        .grow { flex: 1 1 200px; min-width: 0; }
        .push { margin-left: auto; }
        .divided { border-top: 1px solid var(--line); margin-top: 14px; padding-top: 14px; }
        .hint { font-size: 12.5px; color: var(--soft); }
        input, textarea, select, button {
          font-size: 14px; color: inherit; border: 1px solid var(--line); border-radius: 8px;
          padding: 8px 11px; background: var(--field); max-width: 100%;
        }
        select, button { font-family: inherit; }
        select { padding: 8px 6px; }
        textarea { width: 100%; resize: vertical; margin-bottom: 8px; display: block; }
        ::placeholder { color: var(--soft); opacity: .75; }
        button { background: var(--card); cursor: pointer; font-weight: 600; white-space: nowrap; }
        button:hover:enabled { background: var(--hover); }
        button.primary {
          background: var(--accent); border-color: var(--accent); color: var(--on-accent);
        }
        button.primary:hover:enabled {
          background: var(--accent-hover); border-color: var(--accent-hover);
        }
        button.quiet { border-color: transparent; color: var(--soft); padding: 4px 10px; }
        button:disabled { opacity: .45; cursor: default; }
        :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
        dl { margin: 0; }
        dt { font-size: 12.5px; color: var(--soft); }
        dd { margin: 0; }
        .totals {
          display: grid; grid-template-columns: 1fr 1fr auto; gap: 0 14px; margin-top: 12px;
        }
        .totals small { color: var(--soft); white-space: nowrap; }
        .figures { display: grid; grid-template-columns: repeat(4, 1fr); margin: 14px 0 10px; }
        .figures dd { font-size: 17px; font-weight: 600; white-space: nowrap; }
        .chart { display: block; width: 100%; max-width: 480px; height: auto; }
        .chart rect { fill: var(--bar); }
        .chart line { stroke: var(--line); }
        .chart .median { stroke: var(--accent); stroke-width: 2; }
        .chart .p99 { stroke: var(--received); stroke-width: 2; stroke-dasharray: 4 3; }
        .chart text { font-size: 11px; fill: var(--soft); }
        .chart .empty { font-size: 13px; }
        .log-card { display: flex; flex-direction: column; padding-bottom: 6px; }
        .heading { margin-bottom: 6px; }
        .heading h2 { margin: 0; }
        .log {
          list-style: none; margin: 0 -16px; padding: 0 16px; font-size: 13px; border-radius: 8px;
          flex: 1 1 0; min-height: 320px; overflow: auto; position: relative;
        }
        .log:empty::before { content: "Nothing yet."; color: var(--soft); }
        .log li {
          display: grid; grid-template-columns: 6.9em 1.2em minmax(0, 1fr) auto;
          gap: 0 10px; padding: 6px 0; border-top: 1px solid var(--line); align-items: baseline;
        }
        .log time, .log .note { color: var(--soft); }
        .log .note { text-align: right; white-space: nowrap; }
        .log .what { overflow-wrap: anywhere; white-space: pre-wrap; }
        .log .sent .way { color: var(--sent); }
        .log .received .way { color: var(--received); }
        .log .event .what { color: var(--soft); font-family: system-ui, sans-serif; }
        .log .failure .what { color: var(--bad); }
        .kind { color: var(--soft); }
        .hidden {
          position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
        }
        .noscript { text-align: center; }
        @media (max-width: 880px) {
          header { flex-wrap: wrap; padding-top: 14px; }
          header, main { padding-left: 14px; padding-right: 14px; }
          main { grid-template-columns: minmax(0, 1fr); }
          .log { flex-basis: 60vh; }
          input, textarea { font-size: 16px; }
        }
        @media (max-width: 480px) {
          .state { margin-left: 0; width: 100%; text-align: left; }
          .title p { font-size: 14px; }
          .figures dd { font-size: 15px; }
          .log li { grid-template-columns: 6.9em 1.2em minmax(0, 1fr); }
          .log .note { grid-column: 3; text-align: left; }
        }
        """
}
