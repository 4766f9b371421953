/* Prints what a model recognises in a video, as an application in C gets it: the results that frames carry, and the
 * windows and actions that the stream itself carries. GStreamer is all it needs: no header or library of the plugin.
 * build: cc pipelines/read.c -o read $(pkg-config --cflags --libs gstreamer-1.0)
 * usage: ./read IN MODEL
 *
 * A line has a kind and its values, with tabs between them; times are nanoseconds of PTS:
 *   window NUMBER START END LABEL-ID SCORE LABEL
 *   class  WINDOW LABEL-ID SCORE LABEL                     the best classes of the window, best first
 *   box    WINDOW TRACKLET PTS X Y W H RELEVANCE           each region at each sample
 *   action STATE NUMBER START END LABEL-ID SCORE LABEL     END is - until it stops
 */
#include <gst/gst.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *text(const GstStructure *s, const char *field) {
    const char *found = gst_structure_get_string(s, field);
    return found ? found : "";
}

static guint64 number(const GstStructure *s, const char *field) {
    guint64 found = 0;
    gst_structure_get_uint64(s, field, &found);
    return found;
}

static guint pixels(const GstStructure *s, const char *field) {
    guint found = 0;
    gst_structure_get_uint(s, field, &found);
    return found;
}

static gint integer(const GstStructure *s, const char *field) {
    gint found = 0;
    gst_structure_get_int(s, field, &found);
    return found;
}

/* A number with six decimals and a point in every language. */
typedef char Decimal[G_ASCII_DTOSTR_BUF_SIZE];

static const char *decimal(const GstStructure *s, const char *field, Decimal to) {
    gdouble found = 0;
    gst_structure_get_double(s, field, &found);
    return g_ascii_formatd(to, sizeof(Decimal), "%.6f", found);
}

/* The structures of an array field, one after the other; NULL behind the last. */
static const GstStructure *entry(const GstStructure *s, const char *field, guint index) {
    const GValue *array = gst_structure_get_value(s, field);
    if (!array || index >= gst_value_array_get_size(array))
        return NULL;
    return gst_value_get_structure(gst_value_array_get_value(array, index));
}

static void print_window(const GstStructure *s) {
    Decimal score, relevance;
    guint64 window = number(s, "window");
    printf("window\t%" G_GUINT64_FORMAT "\t%" G_GUINT64_FORMAT "\t%" G_GUINT64_FORMAT "\t%d\t%s\t%s\n", window,
           number(s, "start"), number(s, "end"), integer(s, "label-id"), decimal(s, "score", score),
           text(s, "label"));
    const GstStructure *one;
    for (guint i = 0; (one = entry(s, "top", i)); i++)
        printf("class\t%" G_GUINT64_FORMAT "\t%d\t%s\t%s\n", window, integer(one, "label-id"),
               decimal(one, "score", score), text(one, "label"));
    for (guint i = 0; (one = entry(s, "tracklets", i)); i++) {
        const GstStructure *box;
        for (guint j = 0; (box = entry(one, "boxes", j)); j++)
            printf("box\t%" G_GUINT64_FORMAT "\t%" G_GUINT64_FORMAT "\t%" G_GUINT64_FORMAT "\t%u\t%u\t%u\t%u\t%s\n",
                   window, number(one, "id"), number(box, "pts"), pixels(box, "x"), pixels(box, "y"),
                   pixels(box, "w"), pixels(box, "h"), decimal(box, "relevance", relevance));
    }
}

static void print_action(const GstStructure *s) {
    Decimal score;
    char end[24] = "-";
    if (gst_structure_has_field(s, "end"))
        g_snprintf(end, sizeof end, "%" G_GUINT64_FORMAT, number(s, "end"));
    printf("action\t%s\t%" G_GUINT64_FORMAT "\t%" G_GUINT64_FORMAT "\t%s\t%d\t%s\t%s\n", text(s, "state"),
           number(s, "action"), number(s, "start"), end, integer(s, "label-id"), decimal(s, "score", score),
           text(s, "label"));
}

/* A window is printed at the first frame that carries it; the others repeat it with a box of their own. */
static void read_frame(GstBuffer *frame) {
    gpointer state = NULL;
    GstMeta *meta;
    while ((meta = gst_buffer_iterate_meta(frame, &state))) {
        if (!gst_meta_info_is_custom(meta->info) || !gst_custom_meta_has_name((GstCustomMeta *)meta, "ArtActionMeta"))
            continue;
        const GstStructure *s = gst_custom_meta_get_structure((GstCustomMeta *)meta);
        gboolean first = FALSE;
        if (gst_structure_get_boolean(s, "first", &first) && first)
            print_window(s);
    }
}

static void read_event(GstEvent *event) {
    const GstStructure *s = gst_event_get_structure(event);
    if (GST_EVENT_TYPE(event) != GST_EVENT_CUSTOM_DOWNSTREAM || !s)
        return;
    if (gst_structure_has_name(s, "artclassify-window"))
        print_window(s);
    else if (gst_structure_has_name(s, "artclassify-action"))
        print_action(s);
}

static GstPadProbeReturn read_item(GstPad *pad, GstPadProbeInfo *info, gpointer data) {
    (void)pad, (void)data;
    if (info->type & GST_PAD_PROBE_TYPE_BUFFER)
        read_frame(GST_PAD_PROBE_INFO_BUFFER(info));
    else
        read_event(GST_PAD_PROBE_INFO_EVENT(info));
    return GST_PAD_PROBE_OK;
}

int main(int argc, char **argv) {
    gst_init(&argc, &argv);
    if (argc != 3) {
        fprintf(stderr, "usage: %s IN MODEL\n", argv[0]);
        return EXIT_FAILURE;
    }
    GError *error = NULL;
    GstElement *pipeline =
        gst_parse_launch("filesrc name=in ! decodebin ! artclassify name=classifier ! fakesink name=out", &error);
    if (error) {
        fprintf(stderr, "%s\n", error->message);
        return EXIT_FAILURE;
    }
    gst_child_proxy_set(GST_CHILD_PROXY(pipeline), "in::location", argv[1], "classifier::model", argv[2], NULL);
    GstElement *out = gst_bin_get_by_name(GST_BIN(pipeline), "out");
    GstPad *pad = gst_element_get_static_pad(out, "sink");
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, read_item, NULL, NULL);
    gst_element_set_state(pipeline, GST_STATE_PLAYING);

    GstBus *bus = gst_element_get_bus(pipeline);
    GstMessage *message = gst_bus_timed_pop_filtered(bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    int status = EXIT_SUCCESS;
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
        gst_message_parse_error(message, &error, NULL);
        fprintf(stderr, "%s\n", error->message);
        status = EXIT_FAILURE;
    }
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_message_unref(message);
    gst_object_unref(bus);
    gst_object_unref(pad);
    gst_object_unref(out);
    gst_object_unref(pipeline);
    return status;
}
