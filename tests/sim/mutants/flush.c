/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Mutant: a FLUSH is answered at once, as vblade does, without waiting for the
 * disk.
 */
#include "target/protocol/responder.h"

enum responder_verdict __real_responder_request(struct exchange *x);
enum responder_verdict __wrap_responder_request(struct exchange *x);

enum responder_verdict __wrap_responder_request(struct exchange *x)
{
    enum responder_verdict verdict = __real_responder_request(x);

    if (verdict != RESPONDER_STORE || x->op.kind != STORE_FLUSH)
        return verdict;
    x->op.result = 0;
    return responder_complete(x);
}
