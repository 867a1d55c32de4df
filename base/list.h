/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A doubly linked list whose links live inside the listed objects, so that
 * nothing is allocated and an object leaves its list in constant time.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev; /* both NULL: in no list */
};

#define list_entry(node, type, member)                                         \
    ((type *)(void *)((char *)(node)-offsetof(type, member)))

/* The loop's body may take `it` out of the list. */
#define list_each(it, head)                                                    \
    for (struct list *it = (head)->next, *it##_next = it->next; it != (head);  \
         it = it##_next, it##_next = it->next)

static inline void list_init(struct list *head)
{
    head->next = head->prev = head;
}

static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}

static inline bool list_linked(const struct list *node)
{
    return node->next != NULL;
}

static inline void list_insert_before(struct list *at, struct list *node)
{
    node->prev = at->prev;
    node->next = at;
    at->prev->next = node;
    at->prev = node;
}

static inline void list_append(struct list *head, struct list *node)
{
    list_insert_before(head, node);
}

static inline void list_prepend(struct list *head, struct list *node)
{
    list_insert_before(head->next, node);
}

/* Does nothing to a node that is in no list. */
static inline void list_remove(struct list *node)
{
    if (!node->next)
        return;
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->next = node->prev = NULL;
}

static inline struct list *list_first(struct list *head)
{
    return list_empty(head) ? NULL : head->next;
}

/* Takes the first object out of the list; NULL: it is empty. */
static inline struct list *list_pop(struct list *head)
{
    struct list *node = head->next;

    if (node == head)
        return NULL;
    head->next = node->next;
    node->next->prev = head;
    node->next = node->prev = NULL;
    return node;
}

/* Leaves the first objects out, up to `last`.  Whoever takes them over is not
 * to look at their links, which stay as they are. */
static inline void list_cut(struct list *head, struct list *last)
{
    head->next = last->next;
    last->next->prev = head;
}

/* Moves the first objects of `from`, up to `last`, to the beginning of `to`. */
static inline void list_move_first(struct list *to, struct list *from,
                                   struct list *last)
{
    struct list *first = from->next;

    list_cut(from, last);
    first->prev = to;
    last->next = to->next;
    to->next->prev = last;
    to->next = first;
}

/* Moves all of `from` to the end of `to`; `from` is left empty. */
static inline void list_splice(struct list *to, struct list *from)
{
    if (list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

#endif
