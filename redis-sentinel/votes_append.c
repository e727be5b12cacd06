/* VOTES.APPEND stream field value [field value ...]: the one command by which votes come into the queue.
 * VOTES.REPLAY stream field value [field value ...]: the same for votes that were acknowledged before.
 *
 * XADD may also trim the stream and choose the entry's id, and no access list can take that away from who may
 * add: a single command would erase every vote that waits, or end all further ones. These commands add a vote
 * with an id of the server's choice, and can do nothing else. Files and replicas see a plain XADD.
 *
 * The key "votes:intake" says whether votes are taken. Where it is absent or "open", they are. Anything else is
 * answered with the error "INTAKE" and that word, and nothing is appended. Whoever appends asks here, so all
 * agree at any moment. What was acknowledged once comes in whatever the key says.
 *
 * The server hands over its functions by name, as its "Modules API reference" specifies.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

typedef struct RedisModuleCtx Context;
typedef struct RedisModuleString String;
typedef struct RedisModuleCallReply Reply;
typedef int (*Command)(Context *, String **, int);

enum { VERSION = 1, API_VERSION = 1 };
enum { FAILED = 1 };
enum { STRING = 0, NIL = 4 };
/* An error of one line, whatever the key holds. */
enum { LONGEST_STATE = 32 };
/* The vote service sends sixteen votes together, less than two kilobytes. */
enum { LONGEST_VALUE = 16384 };

static int (*create_command)(Context *, const char *, Command, const char *, int, int, int);
static int (*reply_with)(Context *, Reply *);
static int (*reply_with_error)(Context *, const char *);
static int (*wrong_arity)(Context *);
static Reply *(*call)(Context *, const char *, const char *, ...);
static const char *(*text_of)(const String *, size_t *);
static int (*type_of)(Reply *);
static const char *(*string_of)(Reply *, size_t *);
static void (*free_reply)(Reply *);
static void (*set_attributes)(Context *, const char *, int, int);

static int is(const String *argument, const char *name)
{
    size_t length;
    const char *text = text_of(argument, &length);
    return length == strlen(name) && memcmp(text, name, length) == 0;
}

static int are_names_of_a_vote(String **fields, int count)
{
    if (count == 2)
        return is(fields[0], "votes");
    return count == 6 && is(fields[0], "id") && is(fields[2], "vote") && is(fields[4], "version");
}

static int is_short(const String *value)
{
    size_t length;
    text_of(value, &length);
    return length <= LONGEST_VALUE;
}

static int is_plain(const char *state, size_t length)
{
    for (size_t place = 0; place < length; place++)
        if (state[place] < 'a' || state[place] > 'z')
            return 0;
    return length > 0 && length <= LONGEST_STATE;
}

/* Write the state of the intake; "open" where nobody has set it, "unreadable" where it is no word. */
static void read_intake(Context *context, char state[LONGEST_STATE + 1])
{
    size_t length = 0;
    Reply *reply = call(context, "GET", "c", "votes:intake");
    const char *text = reply != NULL && type_of(reply) == STRING ? string_of(reply, &length) : NULL;
    if (text != NULL && is_plain(text, length))
        snprintf(state, LONGEST_STATE + 1, "%.*s", (int)length, text);
    else
        strcpy(state, reply != NULL && type_of(reply) == NIL ? "open" : "unreadable");
    if (reply != NULL)
        free_reply(reply);
}

static int add(Context *context, String **arguments, int count)
{
    if (count < 4)
        return wrong_arity(context);
    if (!are_names_of_a_vote(arguments + 2, count - 2))
        return reply_with_error(context, "ERR the fields are not those of a vote");
    for (int value = 3; value < count; value += 2)
        if (!is_short(arguments[value]))
            return reply_with_error(context, "ERR a field is longer than a vote's");
    Reply *reply = call(context, "XADD", "!scv", arguments[1], "*", arguments + 2, (size_t)(count - 2));
    if (reply == NULL)
        return reply_with_error(context, "ERR the vote cannot be appended");
    int sent = reply_with(context, reply);
    free_reply(reply);
    return sent;
}

static int append(Context *context, String **arguments, int count)
{
    char state[LONGEST_STATE + 1], refusal[sizeof "INTAKE " + LONGEST_STATE];
    read_intake(context, state);
    if (strcmp(state, "open") == 0)
        return add(context, arguments, count);
    snprintf(refusal, sizeof refusal, "INTAKE %s", state);
    return reply_with_error(context, refusal);
}

int RedisModule_OnLoad(Context *context, String **arguments, int count)
{
    (void)arguments;
    (void)count;
    int (*find)(const char *, void *) = *(int (**)(const char *, void *))context;
    if (find("RedisModule_CreateCommand", &create_command) || find("RedisModule_ReplyWithCallReply", &reply_with)
        || find("RedisModule_ReplyWithError", &reply_with_error) || find("RedisModule_WrongArity", &wrong_arity)
        || find("RedisModule_Call", &call) || find("RedisModule_StringPtrLen", &text_of)
        || find("RedisModule_CallReplyType", &type_of) || find("RedisModule_CallReplyStringPtr", &string_of)
        || find("RedisModule_FreeCallReply", &free_reply) || find("RedisModule_SetModuleAttribs", &set_attributes))
        return FAILED;
    set_attributes(context, "votes", VERSION, API_VERSION);
    return create_command(context, "votes.append", append, "write deny-oom fast", 1, 1, 1)
        || create_command(context, "votes.replay", add, "write deny-oom fast", 1, 1, 1);
}
