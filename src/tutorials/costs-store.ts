// All SQL of what writers of tutorials cost.
import type { Db } from '../db/open.ts';

export interface WriterCost {
  writer: string;
  model: string;
  written: number;
  failed: number;
  inputTokens: number;
  outputTokens: number;
}

export const addCost = (db: Db, cost: WriterCost & { day: string }): number =>
  db.run(
    `INSERT INTO tutorial_costs (day, writer, model, written, failed, input_tokens, output_tokens)
     VALUES (:day, :writer, :model, :written, :failed, :inputTokens, :outputTokens)
     ON CONFLICT DO UPDATE SET written = written + excluded.written, failed = failed + excluded.failed,
       input_tokens = input_tokens + excluded.input_tokens, output_tokens = output_tokens + excluded.output_tokens`,
    { ...cost },
  ).changes;

export const listCosts = (db: Db, fromDay: string): WriterCost[] =>
  db.all<WriterCost>(
    `SELECT writer, model, sum(written) AS written, sum(failed) AS failed, sum(input_tokens) AS inputTokens,
       sum(output_tokens) AS outputTokens
     FROM tutorial_costs WHERE day >= :fromDay GROUP BY writer, model
     ORDER BY sum(input_tokens + output_tokens) DESC, writer, model`,
    { fromDay },
  );
