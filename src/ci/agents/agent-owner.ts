// Who holds a claim elsewhere, as the row of the attempt has it.

export const ownerOfAgent = ({ job, node }: { job: string; node: string }): string => `slurm ${job}@${node}`;

/** `n1 (job 17)`; undefined for a claim of the forge's own. */
export function nodeOfOwner(owner: string | null): string | undefined {
  const [, job = '', node = ''] = /^slurm ([^@]*)@(.*)$/s.exec(owner ?? '') ?? [];
  if (node === '') return undefined;
  return job === '' ? node : `${node} (job ${job})`;
}
