// The default lists of the filters.
#include <algorithm>

#include "dataplane/sip/filters.h"

namespace fedge::sip {

// Set-CsImFilterConfiguration.
std::vector<std::string> default_link_prefixes() {
    return {"callto:", "file:", "ftp.",  "ftp:", "gopher:", "href", "http:",   "https:", "ldap:",
            "mailto:", "news:", "nntp:", "sip:", "sips:",   "tel:", "telnet:", "www*."};
}

// Set-CsFileTransferFilterConfiguration.
std::vector<std::string> default_file_extensions() {
    return parse_extensions(
        ".ade .adp .app .asp .bas .bat .cer .chm .cmd .cnt .com .cpl .crt .csh .der .dll .exe .fxp .gadget .grp .hlp "
        ".hpj "
        ".hta .inf .ins .isp .its .js .jse .ksh .lnk .mad .maf .mag .mam .maq .mar .mas .mat .mau .mav .maw .mda .mdb "
        ".mde .mdt .mdw .mdz .msc .msh .msh1 .msh1xml .msh2 .msh2xml .mshxml .msi .msp .mst .ops .pcd .pif .pl .plg "
        ".prf "
        ".prg .pst .reg .scf .scr .sct .shb .shs .url .vb .vbe .vbs .vsmacros .vss .vst .vsw .ws .wsc .wsf .wsh");
}

// What tools that look for SIP servers call themselves.
std::vector<std::string> default_scanner_signatures() {
    return {"friendly-scanner", "sipvicious",   "sundayddr", "sip-scan", "sipscan", "sipcli",
            "sipsak",           "sipptk",       "sivus",     "smap",     "iwar",    "vaxsipuseragent",
            "pplsip",           "siparmyknife", "nmap",      "=voip"};
}

std::vector<std::string> parse_extensions(std::string_view text) {
    std::vector<std::string> out;
    std::string word;
    auto keep = [&] {
        if (!word.empty() && std::ranges::find(out, word) == out.end()) out.push_back(word);
        word.clear();
    };
    for (char c : text) {
        if (is(c, kDigit | kAlpha) || c == '_' || c == '-') {
            word += lower(c);
        } else {
            keep();
        }
    }
    keep();
    return out;
}

}  // namespace fedge::sip
