// Speed of Hugging Face's tokenizers (npm package "tokenizers") on a gzipped text: node huggingface.js tokenizer.json corpus.txt.gz
// RAYON_NUM_THREADS sets the threads. Prints one JSON line a round: tokens, MB/s of text.
const fs = require('fs'), zlib = require('zlib');
const { Tokenizer } = require('tokenizers');

const [, , json, file] = process.argv;
const lines = zlib.gunzipSync(fs.readFileSync(file)).toString('utf8').split('\n');
const bytes = lines.reduce((sum, line) => sum + Buffer.byteLength(line), 0);
const tokenizer = Tokenizer.fromFile(json);

(async () => {
  for (let round = 0; round < 2; round++) {
    const start = process.hrtime.bigint();
    let tokens = 0;
    for (let i = 0; i < lines.length; i += 5000) {
      for (const encoding of await tokenizer.encodeBatch(lines.slice(i, i + 5000), { addSpecialTokens: false }))
        tokens += encoding.getLength();
    }
    const seconds = Number(process.hrtime.bigint() - start) / 1e9;
    console.log(JSON.stringify({ threads: process.env.RAYON_NUM_THREADS, tokens, megabytes_per_second: +(bytes / 1e6 / seconds).toFixed(1) }));
  }
})();
