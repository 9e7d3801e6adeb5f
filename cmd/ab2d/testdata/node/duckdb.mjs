// Asks DuckDB. Standard input is [{"dir": a folder of exports, "queries": [...]}, ...]; the
// views of each folder are loaded, and the rows of all answers are written as JSON.
import duckdb from '@duckdb/node-api';
import fs from 'node:fs';

const answers = [];
for (const { dir, queries } of JSON.parse(fs.readFileSync(0, 'utf8'))) {
  process.chdir(dir);
  const instance = await duckdb.DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(fs.readFileSync('views.sql', 'utf8'));
  for (const query of queries) answers.push((await connection.runAndReadAll(query)).getRowsJson());
}
process.stdout.write(JSON.stringify(answers));
