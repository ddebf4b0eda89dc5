// Reads indexes with tuf-js. Each line of standard input is {now, metadataDir, metadataUrl, targetDir, targetUrl, names}: the
// time in milliseconds, the folder with a trusted root.json and what was verified before, where the index is, and the
// targets to download. Answers with a line {targets: {name: {content, custom}}}, or {error} when the index or a target is
// refused.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { mock } from 'node:test';
import { Updater } from 'tuf-js';

async function read(input) {
  const updater = new Updater({
    metadataDir: input.metadataDir,
    metadataBaseUrl: input.metadataUrl,
    targetDir: input.targetDir,
    targetBaseUrl: input.targetUrl,
    config: { fetchRetries: 0, fetchTimeout: 30_000 },
  });
  await updater.refresh();
  const targets = {};
  for (const name of input.names) {
    const info = await updater.getTargetInfo(name);
    if (!info) {
      throw new Error(`${name}: not in the index`);
    }
    const content = readFileSync(await updater.downloadTarget(info), 'utf8');
    // A target without custom data has an empty object in tuf-js.
    targets[name] = Object.keys(info.custom).length > 0 ? { content, custom: info.custom } : { content };
  }
  return { targets };
}

for await (const line of createInterface({ input: process.stdin })) {
  const input = JSON.parse(line);
  mock.timers.enable({ apis: ['Date'], now: input.now });
  const answer = await read(input).catch((error) => ({ error: `${error.constructor.name}: ${error.message}` }));
  mock.timers.reset();
  console.log(JSON.stringify(answer));
}
