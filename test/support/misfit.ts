/** Begins the line that tells of an answer that is not as its row describes it; see check-answers.ts. */
export const misfit = 'ANSWER UNLIKE ITS MODEL';
