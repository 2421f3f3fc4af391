/** Draws the demo in two windows, one light and one dark, to the file given: `node screenshot.js demo.png`. */
import { launchBrowser } from './test/support/browser.js';
import { Server } from './test/support/server.js';
import { DEMO } from './test/support/todo-page.js';

const [file] = process.argv.slice(2);
const window = { width: 580, height: 700 };

const leftovers = [];
const untilEnd = { after: (dispose) => leftovers.unshift(dispose) };

const browser = await launchBrowser();
untilEnd.after(() => browser.close());
try {
  const { pages } = await Server.start(untilEnd, '--static', DEMO);
  const light = await open(pages, 'light');
  const dark = await open(pages, 'dark');
  await add(light, ['Book the ferry for Saturday', 'Oat milk, bread, six eggs', 'Water the plants']);
  await add(dark, ['Return the library books', 'Ring Ada about the tent']);
  await tick(dark, 'Water the plants');
  await tick(light, 'Return the library books');
  for (const page of [light, dark]) await page.getByText('3 of 5 left').waitFor();
  await dark.getByLabel('New task').fill('Charge the headlamps');

  await drawSideBySide([await light.screenshot(), await dark.screenshot()]);
} finally {
  for (const dispose of leftovers) await dispose();
}

async function open(address, colorScheme) {
  const page = await browser.newPage({ viewport: window, colorScheme, deviceScaleFactor: 2 });
  await page.goto(address);
  await page.getByText('Online', { exact: true }).waitFor();
  return page;
}

async function add(page, texts) {
  for (const text of texts) {
    await page.getByLabel('New task').fill(text);
    await page.keyboard.press('Enter');
    await page.getByRole('checkbox', { name: text }).waitFor();
  }
}

async function tick(page, text) {
  await page.getByRole('checkbox', { name: text }).check();
  await page.mouse.move(0, 0);
}

async function drawSideBySide(images) {
  const page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
  await page.setContent(`
    <style>
      body { display: flex; gap: 40px; height: 100vh; margin: 0; align-items: center; justify-content: center;
             background: linear-gradient(135deg, #99d5cb, #0f766e) }
      figure { margin: 0; border-radius: 12px; overflow: hidden; box-shadow: 0 24px 60px -20px #000a }
      figure::before { content: ''; display: block; height: 30px; background: #8883
             radial-gradient(circle at 18px, #fff9 5px, #0000 6px) }
      img { display: block; width: 530px }
    </style>
    ${images.map((image) => `<figure><img src="data:image/png;base64,${image.toString('base64')}"></figure>`).join('')}`);
  await page.screenshot({ path: file });
}
