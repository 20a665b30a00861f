// Every page, as it looks on a desk and on a phone, to axe, to Chromium 86, and to someone whom
// the network or the sign-in fails.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { desk, openBrowser, phone, signIn, until } from '../lib/browser.mjs';
import { openChromium86 } from '../lib/chromium86.mjs';
import { startDemo } from '../lib/demo.mjs';

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const pages = ['/desk', '/log', '/incidents', '/cameras', '/status'];
// The administrator's status page shows far more than an officer's, and later.
const seenBy = [
  ['east', 'officer', pages, '非涉密系统'],
  ['hub', 'administrator', ['/status'], '存证完整性'],
];

let demo;

before(async () => {
  demo = await startDemo();
});

after(async () => {
  assert.equal(await demo?.end(), 0, 'Ctrl-C ends the demo well');
});

async function serious(page) {
  // The page's own security policy forbids added scripts, so axe runs in the debugger's world.
  const source = (await import('node:fs')).readFileSync(axe, 'utf8');
  await page.evaluate(source);
  const { violations } = await page.evaluate(() => window.axe.run());
  return violations
    .filter(({ impact }) => ['serious', 'critical'].includes(impact))
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

async function fits(page, url, path, words) {
  await page.goto(url + path);
  await page.getByText(words).first().waitFor();
  await until(`${path} has loaded`, async () => !(await page.getByText('正在读取').count()));
  assert.deepEqual(await serious(page), [], path);
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  assert.ok(overflow <= 0, `${path} overflows by ${overflow}px`);
}

for (const [name, viewport] of Object.entries({ desk, phone })) {
  test(`every page passes axe and fits a ${name}`, async () => {
    const { page, errors, close } = await openBrowser({ viewport });
    for (const [place, role, paths, words] of seenBy) {
      await signIn(page, demo[place].url, demo.user(place, role));
      for (const path of paths) await fits(page, demo[place].url, path, words);
    }
    assert.deepEqual(errors, []);
    await close();
  });
}

test('a wrong password is said in words and what was typed stays', async () => {
  const { page, close } = await openBrowser();
  await page.goto(demo.west.url);
  await page.getByLabel('用户名').fill('west');
  await page.getByLabel('密码', { exact: true }).fill('not the password');
  await page.getByRole('button', { name: '登录', exact: true }).click();
  await page.getByText('用户名或密码不正确').waitFor();
  assert.equal(await page.getByLabel('用户名').inputValue(), 'west');
  await close();
});

test('an item of a future time is refused at its field and keeps what was typed', async () => {
  const { page, close } = await openBrowser();
  await signIn(page, demo.west.url, demo.user('west', 'officer'));
  const entry = page.getByRole('region', { name: '新记事' });
  await entry.getByLabel('内容').fill('电梯停运');
  const later = entry.getByRole('button', { name: '晚一分钟' });
  for (let minute = 0; minute < 10; minute += 1) await later.click();
  await page.keyboard.press('Control+Enter');
  await entry.getByText('不能晚于现在').waitFor();
  assert.equal(await entry.getByLabel('内容').inputValue(), '电梯停运');
  await close();
});

test('live rows arrive by long-poll where the network blocks WebSocket upgrades', async () => {
  const reader = await openBrowser();
  await reader.page.addInitScript(() => {
    // As a WebVPN does it: the handshake is answered with something else and the socket closes.
    window.WebSocket = class {
      constructor() {
        setTimeout(() => this.onclose?.(new Event('close')), 5);
      }
      close() {}
    };
  });
  await signIn(reader.page, demo.east.url, demo.user('east', 'officer'));
  const writer = await openBrowser();
  await signIn(writer.page, demo.west.url, demo.user('west', 'officer'));
  const entry = writer.page.getByRole('region', { name: '新记事' });
  await entry.getByLabel('内容').fill('停水通知已转各楼');
  await writer.page.keyboard.press('Control+Enter');
  await writer.page.getByRole('status').filter({ hasText: '已保存' }).waitFor();
  await reader.page.getByRole('row').filter({ hasText: '停水通知已转各楼' }).waitFor();
  await reader.close();
  await writer.close();
});

test('a person without camera and microphone joins a consultation as a listener', async () => {
  const { page, close } = await openBrowser({ extra: ['--use-fake-device-for-media-stream=device-count=0'] });
  await page.addInitScript(() => {
    navigator.mediaDevices.enumerateDevices = async () => [];
    navigator.mediaDevices.getUserMedia = async () => {
      throw new DOMException('none', 'NotFoundError');
    };
  });
  await signIn(page, demo.hub.url, demo.user('hub', 'leader'));
  await page.goto(`${demo.hub.url}/incidents`);
  await page.getByRole('row').filter({ hasText: '电梯' }).first().getByRole('link').first().click();
  await page.getByRole('button', { name: '会商', exact: true }).click();
  await page.waitForURL('**/consultations/*');
  await page.getByRole('button', { name: /旁听方式加入/ }).click();
  await page.getByText('旁听中').waitFor();
  await close();
});

test('Chromium 86 signs in, shows every page and watches a camera', async () => {
  const { page, errors, close } = await openChromium86(desk);
  const user = demo.user('east', 'officer');
  await page.goto(demo.east.url);
  // Playwright's locators need newer features than this browser has, so the page is driven by hand.
  await until('the sign-in page', () => page.evaluate(() => Boolean(document.querySelector('input[type=password]'))));
  const signedIn = await page.evaluate(async ({ login, password }) => {
    const answer = await fetch('/api/v1/session', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ login, password }),
    });
    return answer.status;
  }, user);
  assert.equal(signedIn, 200);
  for (const path of pages) {
    await page.goto(demo.east.url + path);
    await until(`${path} shows its page`, () =>
      page.evaluate(() => Boolean(document.querySelector('main')) && document.body.innerText.includes('非涉密系统')),
    );
  }
  await page.goto(`${demo.east.url}/cameras`);
  await until('the cameras are listed', () =>
    page.evaluate(() => document.querySelectorAll('button[data-camera]').length === 4),
  );
  await page.evaluate(() => document.querySelector('button[data-camera]').click());
  await until('the picture moves', () =>
    page.evaluate(() => document.querySelector('figure video')?.getVideoPlaybackQuality().totalVideoFrames > 10),
  );
  assert.deepEqual(errors, []);
  await close();
});
