/* The templates that read stored logits; REAL and ELEMENT are set. */
#include "kernels/element.h"

#include "kernels/race_row.h"

#include "kernels/race_distinct.h"

#include "kernels/short_rows.h"

#include "kernels/alias.h"

#include "kernels/gumbel_max.h"

#include "kernels/gumbel_top_k.h"

#include "kernels/gumbel_softmax.h"
