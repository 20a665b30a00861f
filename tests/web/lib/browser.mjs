// Browsers with a fake camera and microphone, and the few steps every scenario shares.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const flags = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
];

export const desk = { width: 1366, height: 768 };
export const phone = { width: 360, height: 740 };

// One browser is one person at one PC: its own profile, its own cookies.
export async function openBrowser({ viewport = desk, locale = 'zh-CN', extra = [] } = {}) {
  const profile = mkdtempSync(join(tmpdir(), 'dutyroom-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: [...flags, `--lang=${locale}`, ...extra],
    viewport,
    locale,
    timezoneId: 'Asia/Shanghai',
    env: { ...process.env, LANGUAGE: locale.replace('-', '_') },
  });
  const page = context.pages()[0] ?? (await context.newPage());
  const errors = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  return {
    page,
    errors,
    async close() {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

export async function signIn(page, url, { login, password }) {
  await page.goto(url);
  await page.getByLabel('用户名').fill(login);
  await page.getByLabel('密码', { exact: true }).fill(password);
  await page.getByRole('button', { name: '登录', exact: true }).click();
  await page.waitForURL('**/desk');
}

// Waits until `read` gives something true; tells the last value when it never does.
export async function until(what, read, timeout = 30_000) {
  const deadline = Date.now() + timeout;
  let last;
  for (;;) {
    last = await read();
    if (last) return last;
    if (Date.now() > deadline) throw new Error(`${what}: still ${JSON.stringify(last)}`);
    await new Promise((wake) => setTimeout(wake, 100));
  }
}
