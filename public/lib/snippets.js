// What to paste to send a first event, for each platform. DSN and KEY are put in where they are known.

/** @typedef {{ id: string, name: string, install: string, files: { label: string, code: string }[], note?: string }} Snippet */

/** @type {Snippet[]} */
export const SNIPPETS = [
  {
    id: 'curl', name: 'curl', install: '',
    files: [{ label: 'Run', code: `curl URL/api/ingest -H 'Authorization: Bearer KEY' \\\n  -d '{"message": "Hello from curl", "level": "error"}'` }],
  },
  {
    id: 'python', name: 'Python', install: 'pip install sentry-sdk',
    files: [{ label: 'Run', code: `import sentry_sdk\n\nsentry_sdk.init("DSN", release="app@1.0.0", environment="production")\n\nraise ValueError("Hello from Python")` }],
  },
  {
    id: 'node', name: 'Node.js', install: 'npm install @sentry/node',
    files: [{ label: 'Run', code: `const Sentry = require('@sentry/node');\n\nSentry.init({ dsn: 'DSN', release: 'app@1.0.0', environment: 'production' });\n\nthrow new Error('Hello from Node');` }],
  },
  {
    id: 'browser', name: 'Browser', install: 'npm install @sentry/browser',
    files: [{ label: 'Run', code: `import * as Sentry from '@sentry/browser';\n\nSentry.init({ dsn: 'DSN', release: 'app@1.0.0', environment: 'production' });\n\nsetTimeout(() => { throw new Error('Hello from the browser'); });` }],
    note: 'A key of kind ingest may stand in a page. Give it a list of origins under Keys.',
  },
  {
    id: 'next', name: 'Next.js', install: 'npm install @sentry/nextjs',
    files: [
      { label: 'instrumentation.js', code: `import * as Sentry from '@sentry/nextjs';\n\nexport function register() {\n  Sentry.init({ dsn: 'DSN', release: 'app@1.0.0', environment: 'production' });\n}\n\nexport const onRequestError = Sentry.captureRequestError;` },
      { label: 'instrumentation-client.js', code: `import * as Sentry from '@sentry/nextjs';\n\nSentry.init({ dsn: 'DSN', release: 'app@1.0.0', environment: 'production' });\n\nexport const onRouterTransitionStart = Sentry.captureRouterTransitionStart;` },
      { label: 'app/hello/route.js', code: `export function GET() {\n  throw new Error('Hello from Next.js');\n}` },
    ],
    note: 'From Next.js 15.3 on. Start it and open /hello, which throws; remove that file afterwards.',
  },
  {
    id: 'go', name: 'Go', install: 'go get github.com/getsentry/sentry-go',
    files: [{ label: 'Run', code: `package main\n\nimport (\n\t"errors"\n\t"time"\n\n\t"github.com/getsentry/sentry-go"\n)\n\nfunc main() {\n\tsentry.Init(sentry.ClientOptions{Dsn: "DSN", Release: "app@1.0.0", Environment: "production"})\n\tdefer sentry.Flush(2 * time.Second)\n\tsentry.CaptureException(errors.New("Hello from Go"))\n}` }],
  },
  {
    id: 'ruby', name: 'Ruby', install: 'gem install sentry-ruby',
    files: [{ label: 'Run', code: `require "sentry-ruby"\n\nSentry.init do |config|\n  config.dsn = "DSN"\n  config.release = "app@1.0.0"\nend\n\nSentry.capture_exception(RuntimeError.new("Hello from Ruby"))` }],
  },
  {
    id: 'php', name: 'PHP', install: 'composer require sentry/sentry',
    files: [{ label: 'Run', code: `<?php\nrequire 'vendor/autoload.php';\n\n\\Sentry\\init(['dsn' => 'DSN', 'release' => 'app@1.0.0', 'environment' => 'production']);\n\n\\Sentry\\captureException(new \\Exception('Hello from PHP'));` }],
  },
  {
    id: 'java', name: 'Java', install: 'implementation("io.sentry:sentry:8.+")',
    files: [{ label: 'Run', code: `import io.sentry.Sentry;\n\npublic class Hello {\n  public static void main(String[] args) {\n    Sentry.init(options -> {\n      options.setDsn("DSN");\n      options.setRelease("app@1.0.0");\n    });\n    Sentry.captureException(new IllegalStateException("Hello from Java"));\n    Sentry.flush(2000);\n  }\n}` }],
  },
];

/**
 * The code with address and key in place.
 * @param {string} code
 * @param {{ url: string, project_id: number, key: string }} given
 */
export function filled(code, { url, project_id, key }) {
  const dsn = `${url.replace('://', `://${key}@`)}/${project_id}`;
  const known = /** @type {Record<string, string>} */ ({ DSN: dsn, URL: url, KEY: key });
  // In one go: a key may hold any of these words.
  return code.replace(/\b(DSN|URL|KEY)\b/g, (word) => known[word] ?? word);
}
